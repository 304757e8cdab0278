//! What a host proves its webhooks with.

use std::fmt;

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What secrets of "Standard Webhooks" begin with: what follows is the key, in base64.
const PREFIX: &str = "whsec_";
const BYTES: usize = 32;
/// Shorter ones can be guessed.
const SHORTEST: usize = 16;
const LONGEST: usize = 256;

/// A secret that a host and this machine share. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct HookSecret(String);

impl fmt::Debug for HookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecret(…)")
    }
}

impl HookSecret {
    /// A new one, in the form that every host takes.
    ///
    /// # Errors
    /// Where the machine has no randomness.
    pub fn made() -> std::io::Result<Self> {
        let mut key = [0; BYTES];
        rand::fill(&mut key).map_err(|_| std::io::Error::other("the machine has no randomness"))?;
        Ok(HookSecret(format!("{PREFIX}{}", STANDARD.encode(key))))
    }

    /// One that somebody chose: 16 to 256 characters without blanks. `None`: it is not.
    pub fn chosen(text: &str) -> Option<Self> {
        let good = (SHORTEST..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        good.then(|| HookSecret(text.to_owned()))
    }

    /// As it is typed at the host.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The key for hosts that sign with the text as it is.
    pub(super) fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes())
    }

    /// The key for hosts that sign as "Standard Webhooks" has it; `None`: the secret is not of that form.
    pub(super) fn standard_key(&self) -> Option<hmac::Key> {
        let key = STANDARD.decode(self.0.strip_prefix(PREFIX)?).ok()?;
        Some(hmac::Key::new(hmac::HMAC_SHA256, &key))
    }
}
