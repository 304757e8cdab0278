//! Of flags, their keys, and experiments on them.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "flag::unknown",
        "The environment has no flag of that key. Flags come into force with a deploy of a manifest that says `flags:` or \
         `flag_files:`; `tidegate flag list` shows those there are.",
    ),
    (
        "flag::undefined",
        "The flag was defined once and is not any more: Git has dropped it, and no code that serves asks for it. Nothing of it is \
         served. Define it again and deploy, or `tidegate flag archive` it; its history stays.",
    ),
    (
        "flag::changed",
        "Somebody else changed the flag since the version that was said with `--expect-version`. Nothing was done. The message says \
         who, when and what; look at the flag as it is now and ask again.",
    ),
    (
        "flag::no-variant",
        "The flag has no variant of that name. The message lists those it has. A variant that Git has dropped cannot be served, also \
         not by going back to a release of it.",
    ),
    (
        "flag::which-variant",
        "`on` is the variant called `on`, or the only one with the value true; `off` the one called `off`, the only one with the \
         value false, or the safe one. This flag has none that is meant: name one, `tidegate release to VARIANT FLAG`.",
    ),
    (
        "flag::disabled",
        "Its definition says `state: DISABLED`: whoever asks gets the default in the code, whatever is released. Set it to ENABLED \
         in Git and deploy.",
    ),
    (
        "flag::needs-why",
        "An entitlement is what somebody has a right to. Each release of one, and its archiving, says why: `--why TEXT`.",
    ),
    (
        "flag::experiment-runs",
        "An experiment runs on the flag. Who gets which variant stays as it is until it ends, or what it finds would be wrong. \
         `tidegate experiment stop` ends it; `tidegate release kill` works at any time.",
    ),
    (
        "flag::not-there",
        "A revision that serves does not have the flag in its code: its users would get the default in the code, and nobody would \
         see why. Deploy the code first, or say `--when-ready`: it is released once all that serves has it.",
    ),
    ("flag::nothing-to-take-back", "Nothing was released of the flag, so there is nothing to go back to."),
    (
        "flag::other-users",
        "While a flag goes to a share of the users the attribute that they are told apart by cannot be changed: others would be \
         drawn, and some would lose what they have. Leave `by` out, or begin anew after `tidegate release off`.",
    ),
    (
        "flag::schedule",
        "The schedule cannot be: it has no moment or more than 50, they are not in order, all are past or one is more than ten years \
         ahead, or there is something else in it than variants and shares.",
    ),
    (
        "flag::invalid",
        "What was asked of the flag cannot be understood as it stands; the message says which part. `tidegate release --help` has \
         examples.",
    ),
    (
        "flag::nothing-to-guard",
        "A guard watches a release that goes up: `on` and a share. Everything else is done at once.",
    ),
    (
        "flag::nobody-to-draw",
        "The rule of the flag gives everybody a variant, so that nobody is left to be drawn, and a guard would watch nobody. Leave out \
         what the rule says of everybody else and deploy.",
    ),
    (
        "flag::too-many-guards",
        "The gateway watches as many flags of the environment as it can. Wait until one of the guarded releases has ended, or release \
         without a guard.",
    ),
    (
        "flag::mentioned",
        "The flag is still in the code of a revision that serves. Take it out of the code and deploy; then it can be archived.",
    ),
    (
        "flag::perhaps-mentioned",
        "There is more source than is looked through for flags, so nobody knows whether the flag is in it. Name what is no code in \
         .gitignore and deploy; then it can be archived.",
    ),
    (
        "flag::not-servable",
        "With this change the gateway could not serve the environment's flags, as when a flag is archived that the rule of another \
         one asks for. Nothing was changed.",
    ),
    ("flag-key::unknown", "There is no key of that id or name. `tidegate flag key list` shows them."),
    ("flag-key::many", "An environment has at most 500 keys. Revoke those that nobody uses."),
    ("flag-key::name", "A key's name is 1 to 64 characters on one line: say what the key is for."),
    (
        "flag-key::name-taken",
        "Another key of the environment has that name already. Revoke it, or choose another name.",
    ),
    (
        "flag-key::random",
        "The machine gives no random bytes, so that no key can be made. `tidegate doctor` says more.",
    ),
    (
        "experiment::unknown",
        "The flag is not defined as an experiment. Its definition says `class: experiment`, what it measures, and after how many \
         users it is over.",
    ),
    ("experiment::none-running", "No experiment runs on the flag: it has not begun, or has ended."),
    (
        "experiment::name",
        "A name in a batch of events is empty, too long or on several lines. Nothing of the batch was taken: mend it and send it again.",
    ),
    (
        "experiment::too-many",
        "A batch has more events than are taken at once. Send it in parts; nothing of it was taken.",
    ),
    (
        "experiment::key",
        "The key by which names of users become digests cannot be read or made in the data directory. Without it nothing is taken.",
    ),
];
