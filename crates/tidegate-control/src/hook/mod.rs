//! Webhooks of Git hosts: whether one is its host's, and what it says.
//!
//! Called by the API's server with the bytes as they came. What a webhook says is a hint and no more: which commit a branch is at is
//! seen in the repository itself ([`crate::source`]), at the address somebody connected, never at one of a payload.

mod payload;
mod secret;
mod signature;
#[cfg(test)]
mod tests;

use sha2::{Digest, Sha256};

pub use secret::HookSecret;
use signature::Proof;

/// The longest id of a delivery, in bytes.
const LONGEST_ID: usize = 128;

/// A request as it came.
pub struct Incoming<'a> {
    /// A header by its name in small letters, where it is there exactly once.
    pub header: &'a dyn Fn(&str) -> Option<&'a str>,
    /// The body, unchanged.
    pub body: &'a [u8],
    /// Seconds since the Unix epoch.
    pub now_unix_s: u64,
}

/// A kind of host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// GitHub, and what sends the same.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea.
    Gitea,
    /// Forgejo.
    Forgejo,
}

/// A webhook that is its host's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The kind of host.
    pub host: Host,
    /// What it is known again by: any of these.
    pub ids: Vec<String>,
    /// What it says.
    pub event: HookEvent,
}

/// What a webhook says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookEvent {
    /// Nothing: whether it comes is tried out.
    Ping,
    /// A branch came to a commit.
    Push {
        /// The branch.
        branch: String,
        /// The commit.
        commit: String,
        /// Who pushed it.
        by: String,
    },
    /// Something that begins no run, and why.
    Idle(String),
}

/// Why a webhook is not taken for its host's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// Nothing proves it.
    #[error("the webhook has no signature: set a secret where its host sends it")]
    Unsigned,
    /// What is to prove it does not.
    #[error("the webhook's signature is not made with this app's secret")]
    Forged,
    /// It was signed too long ago, or is not to be signed yet.
    #[error(
        "the webhook was signed over {} s ago, or the clocks differ by that much",
        signature::TOLERANCE_S
    )]
    Stale,
    /// Its host would not send that.
    #[error("the webhook cannot be read: {0}")]
    Malformed(&'static str),
}

impl Host {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Host::GitHub => "GitHub",
            Host::GitLab => "GitLab",
            Host::Gitea => "Gitea",
            Host::Forgejo => "Forgejo",
        }
    }

    /// Who sends a request, by its headers. Those that came later send the headers of those before them as well.
    fn of(incoming: &Incoming<'_>) -> Host {
        let has = |name| (incoming.header)(name).is_some();
        if has("x-gitlab-event") {
            Host::GitLab
        } else if has("x-forgejo-event") {
            Host::Forgejo
        } else if has("x-gitea-event") {
            Host::Gitea
        } else {
            Host::GitHub
        }
    }
}

/// What a webhook says, where it is its host's.
///
/// # Errors
/// Why it is not taken for that. Of its body nothing was read by then, but for [`NotTaken::Malformed`].
pub fn read(secret: &HookSecret, incoming: &Incoming<'_>) -> Result<Delivery, NotTaken> {
    let proof = signature::check(secret, incoming)?;
    let host = Host::of(incoming);
    let event = payload::event(host, incoming)?;
    Ok(Delivery { host, ids: ids(host, incoming, proof)?, event })
}

/// By what a delivery is known again. Where the signature does not cover the id, whoever saw one delivery could send it under
/// another: then the body counts as well. Where it does, no other header has a say in it, that of the host neither.
fn ids(host: Host, incoming: &Incoming<'_>, proof: Proof) -> Result<Vec<String>, NotTaken> {
    let signed = proof == Proof::WithId;
    let names: &[&str] = match host {
        _ if signed => &["webhook-id"],
        Host::GitHub => &["x-github-delivery"],
        Host::GitLab => &["webhook-id", "idempotency-key"],
        Host::Gitea => &["x-gitea-delivery"],
        Host::Forgejo => &["x-forgejo-delivery"],
    };
    let given = names.iter().find_map(|name| (incoming.header)(name)).filter(|id| !id.is_empty());
    if given.is_some_and(|id| id.len() > LONGEST_ID) {
        return Err(NotTaken::Malformed("the id of its delivery is too long"));
    }
    let enough = signed && given.is_some();
    let body = (!enough).then(|| format!("body {}", hex(&Sha256::digest(incoming.body))));
    let from = if signed { "signed" } else { host.as_str() };
    let id = given.map(|id| format!("{from} {id}"));
    Ok(id.into_iter().chain(body).collect())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
