//! Of configuration, parameters and secrets.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    ("api::no-settings", "This server has no configuration, parameters and secrets to tell of."),
    ("config::unchanged", "What was asked for is so already: no version is made and nothing rolls."),
    (
        "config::version",
        "Somebody else changed the configuration since the version that `--expect` names. Look at what is set now, and decide again.",
    ),
    ("config::variable", "The name or the value of a variable cannot be used; the message says why."),
    (
        "config::reference",
        "A value has the beginning of a reference that is none. References are `${secret.NAME}`, `${param./PATH}` and \
         `${param./PATH:LABEL}`; `$${secret.NAME}` is how to write the text itself.",
    ),
    (
        "config::not-set",
        "The variable is not set at run time. What the manifest says of it is changed there.",
    ),
    (
        "config::no-version",
        "There is no such version of the configuration; the oldest of more than a hundred are forgotten.",
    ),
    (
        "config::too-much",
        "More variables, or larger ones, than can be set at run time. Large values belong into files.",
    ),
    (
        "secret::missing",
        "The app refers to a secret that is not set, so nothing was changed. The help says what to type.",
    ),
    ("secret::unchanged", "The secret has this value already: no version is made and nothing rolls."),
    ("secret::value", "The value of a secret is empty, too long, or has a NUL in it."),
    ("secret::many", "The app has as many secrets as it may have. Remove some."),
    ("secret::unknown", "The app has no such secret, or not in the environment that was named."),
    ("secret::in-use", "What serves refers to the secret. Deploy a version that does not first."),
    (
        "secret::keys",
        "The key that opens secrets, `keys/secrets.age` of the data directory, cannot be read, or is not the one they were encrypted \
         with. Bring back the file from where you keep its copy.",
    ),
    (
        "parameter::missing",
        "The app refers to a parameter, or a label of one, that is not set. The help says what to type.",
    ),
    ("parameter::unchanged", "The parameter has this value already: no version is made."),
    ("parameter::value", "The value of a parameter is too long, or has a NUL in it."),
    ("parameter::many", "There are as many parameters, or labels of one, as there may be."),
    ("parameter::unknown", "There is no such parameter, or no such version of it."),
];
