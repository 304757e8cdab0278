//! What whoever logs in is told where nothing comes of it. Nothing of it is the provider's text but short words of its protocol.

use tidegate_core::access::LoginRefused;

use crate::plane::{Refusal, RefusalKind};

/// Codes of refusals that are in the audit log already, with who it was.
pub const ENTERED: &[&str] = &[
    "oidc::not-allowed",
    "oidc::unknown-person",
    "access::disabled-user",
    "oidc::no-name",
    "oidc::name-taken",
];
/// Codes of logins that let nobody in.
pub const NOT_LET_IN: &[&str] = &[
    "oidc::not-allowed",
    "oidc::unknown-person",
    "access::disabled-user",
    "oidc::no-name",
    "oidc::name-taken",
    "oidc::groups",
    "oidc::id-token",
    "oidc::expired",
    "oidc::denied",
];

/// The code of why somebody is not let in whom the provider vouches for.
pub(crate) fn code_of(why: &LoginRefused) -> &'static str {
    match why {
        LoginRefused::NotAllowed => "oidc::not-allowed",
        LoginRefused::Unknown { .. } => "oidc::unknown-person",
        LoginRefused::Disabled(_) => "access::disabled-user",
        LoginRefused::NoName(_) => "oidc::no-name",
        LoginRefused::NameTaken(_) => "oidc::name-taken",
        LoginRefused::Groups => "oidc::groups",
    }
}

/// Why somebody is not let in whom the provider vouches for.
pub(super) fn refused(why: &LoginRefused) -> Refusal {
    let help = match why {
        LoginRefused::NotAllowed => {
            "whoever runs this Tidegate says who may with `tidegate up --oidc-allow`".to_owned()
        }
        LoginRefused::Unknown { subject, .. } => {
            format!("an administrator adds you: tidegate user add NAME --oidc-subject '{}'", quoted(subject))
        }
        LoginRefused::Disabled(name) => format!("ask an administrator: `tidegate user enable {name}`"),
        LoginRefused::NoName(_) => {
            "an administrator adds you by another name: `tidegate user add NAME --oidc-subject SUBJECT`".to_owned()
        }
        LoginRefused::NameTaken(name) => {
            format!("where that is you, an administrator says so: `tidegate user link {name} SUBJECT`")
        }
        LoginRefused::Groups => {
            "have the provider send only the groups that matter here; where it sends them in another claim, say which with \
             `tidegate up --oidc-groups-claim`"
                .to_owned()
        }
    };
    Refusal::new(RefusalKind::Conflict, code_of(why), why.to_string()).help(help)
}

/// A subject as a shell reads it: it is on one line, and may hold anything else.
fn quoted(subject: &str) -> String {
    subject.replace('\'', "'\\''")
}

/// The provider cannot be asked, or answers something else than it should.
pub(super) fn provider(why: &str) -> Refusal {
    Refusal::new(RefusalKind::Environment, "oidc::provider", format!("the identity provider: {why}")).help(
        "try again; if it stays so, whoever runs this Tidegate looks at `--oidc-issuer` and at the provider",
    )
}

/// What the provider gave is not to be believed.
pub(super) fn bad_token(why: &str) -> Refusal {
    let message = format!("the identity provider's token lets nobody in: {why}");
    Refusal::new(RefusalKind::Conflict, "oidc::id-token", message)
        .help("log in again; if it stays so, whoever runs this Tidegate looks at `--oidc-client-id` and at the provider")
}

/// Nobody knows of that login.
pub(super) fn no_such_login() -> Refusal {
    let message =
        "nobody knows of that login: it took too long, is finished, or Tidegate was started again meanwhile";
    Refusal::new(RefusalKind::NotFound, "oidc::unknown-login", message)
        .help("begin it again: `tidegate login URL`")
}

/// Nobody finished it in time.
pub(super) fn expired() -> Refusal {
    let message = "the code has expired before anybody agreed to it at the identity provider";
    Refusal::new(RefusalKind::Conflict, "oidc::expired", message).help("begin again: `tidegate login URL`")
}

/// Somebody said no there.
pub(super) fn denied() -> Refusal {
    let message = "the login was refused at the identity provider";
    Refusal::new(RefusalKind::Conflict, "oidc::denied", message).help(
        "begin again and agree to it there; or ask who manages the provider whether you may use this client",
    )
}

/// Too many logins wait.
pub(super) fn busy() -> Refusal {
    let message = "too many logins were begun from there and not finished";
    Refusal::new(RefusalKind::Conflict, "oidc::busy", message)
        .help("finish one, or wait until they are over: a quarter of an hour at most")
}
