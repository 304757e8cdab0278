//! Whether a webhook was sent by who knows the secret. All comparing takes the same time wherever two things differ.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{HookSecret, Incoming, NotTaken};

/// How far the time of a signature may be from now, in seconds.
pub(super) const TOLERANCE_S: u64 = 300;
/// The most signatures of one request: more than one while a key is changed.
const MOST_SIGNATURES: usize = 8;

/// What a good signature says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The delivery's id, its time and the body are the host's.
    WithId,
    /// The body is the host's.
    OfBody,
    /// Whoever sent it knows the secret.
    Token,
}

/// Checks the strongest proof that is there, and that one alone: a bad one is not made good by another.
pub(super) fn check(secret: &HookSecret, incoming: &Incoming<'_>) -> Result<Proof, NotTaken> {
    if let Some(signatures) = (incoming.header)("webhook-signature") {
        return standard(secret, incoming, signatures);
    }
    for (name, prefix) in
        [("x-hub-signature-256", "sha256="), ("x-forgejo-signature", ""), ("x-gitea-signature", "")]
    {
        if let Some(given) = (incoming.header)(name) {
            let tag = given.strip_prefix(prefix).and_then(bytes_of);
            let good = tag.is_some_and(|tag| hmac::verify(&secret.key(), incoming.body, &tag).is_ok());
            return if good { Ok(Proof::OfBody) } else { Err(NotTaken::Forged) };
        }
    }
    match (incoming.header)("x-gitlab-token") {
        Some(token) if is_secret(secret, token) => Ok(Proof::Token),
        Some(_) => Err(NotTaken::Forged),
        None => Err(NotTaken::Unsigned),
    }
}

/// By "Standard Webhooks" (standardwebhooks.com), as GitLab does with a signing token: over `id.timestamp.body`.
fn standard(secret: &HookSecret, incoming: &Incoming<'_>, signatures: &str) -> Result<Proof, NotTaken> {
    let header = |name| (incoming.header)(name).ok_or(NotTaken::Forged);
    let (id, timestamp) = (header("webhook-id")?, header("webhook-timestamp")?);
    let key = secret.standard_key().ok_or(NotTaken::Forged)?;
    let mut signing = hmac::Context::with_key(&key);
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", incoming.body] {
        signing.update(part);
    }
    let made = signing.sign();
    let mut tags = signatures.split(' ').take(MOST_SIGNATURES).filter_map(|one| one.strip_prefix("v1,"));
    let good = |tag| {
        STANDARD.decode(tag).is_ok_and(|tag: Vec<u8>| verify_slices_are_equal(&tag, made.as_ref()).is_ok())
    };
    if !tags.any(good) {
        return Err(NotTaken::Forged);
    }
    let at: u64 = timestamp.parse().map_err(|_| NotTaken::Forged)?;
    if at.abs_diff(incoming.now_unix_s) > TOLERANCE_S { Err(NotTaken::Stale) } else { Ok(Proof::WithId) }
}

/// Compared by what a key makes of both, so that not even the length can be told from the time it takes.
fn is_secret(secret: &HookSecret, token: &str) -> bool {
    let key = secret.key();
    hmac::verify(&key, token.as_bytes(), hmac::sign(&key, secret.reveal().as_bytes()).as_ref()).is_ok()
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.len().is_multiple_of(2) && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    (digits && hex.len() <= 128).then(|| (0..hex.len()).step_by(2).map(byte).collect())?
}
