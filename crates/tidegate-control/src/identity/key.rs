//! The key that digests of tokens, sessions and codes are made with: in a file of its own, so that a copy of the database alone
//! neither lets anybody in nor lets anybody make up a row that does.

use std::fmt;
use std::io;
use std::path::Path;

use aws_lc_rs::hmac;

use super::text::SecretText;
use crate::key_file::hmac_key;

/// The file in the data directory.
const FILE: &str = "identity-key";

/// See the module. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct IdentityKey(hmac::Key);

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityKey(…)")
    }
}

impl IdentityKey {
    /// The key of a data directory, made where there is none. A file that others can read is made private again.
    ///
    /// # Errors
    /// Whatever the file system says; `InvalidData` where the file holds something else.
    pub fn of(data: &Path) -> io::Result<Self> {
        hmac_key(&data.join(FILE)).map(IdentityKey)
    }

    /// The digest under which a text is kept, in hex.
    pub(super) fn digest(&self, text: &str) -> String {
        self.hex(&["text", text])
    }

    /// The same of one that was just made.
    pub(super) fn digest_of(&self, text: &SecretText) -> String {
        self.digest(text.reveal())
    }

    /// What a page of a session sends with what changes something; from a session's text.
    pub(super) fn csrf(&self, session: &str) -> String {
        self.hex(&["csrf", session])
    }

    /// By which the key is known again.
    pub(super) fn fingerprint(&self) -> String {
        self.hex(&["fingerprint"])
    }

    fn hex(&self, parts: &[&str]) -> String {
        let tag = hmac::sign(&self.0, parts.join(" of ").as_bytes());
        tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_and_makes_other_digests_than_another() {
        let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let key = IdentityKey::of(one.path()).unwrap();
        let again = IdentityKey::of(one.path()).unwrap();
        assert_eq!(key.digest("a"), again.digest("a"));
        assert_eq!(key.fingerprint(), again.fingerprint());
        assert_ne!(key.digest("a"), key.csrf("a"));
        assert_ne!(key.digest("a"), IdentityKey::of(two.path()).unwrap().digest("a"));
    }
}
