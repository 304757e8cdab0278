//! Who may push and fetch over HTTP: a token for each app, made from one key, so that none has to be kept and one that gets out
//! opens one repository.

use std::fmt;
use std::io;
use std::path::Path;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use tidegate_core::model::Name;

use crate::key_file::hmac_key;

/// The length of a token in bytes; twice as many hex digits.
const TOKEN_BYTES: usize = 20;

/// The key. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct AccessKey(hmac::Key);

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessKey(…)")
    }
}

impl AccessKey {
    /// The key in a file, made where there is none.
    pub(super) fn in_file(path: &Path) -> io::Result<Self> {
        hmac_key(path).map(AccessKey)
    }

    /// The token that opens an app's repository.
    pub fn token(&self, app: &Name) -> String {
        self.bytes(app).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a text is that token. The time it takes tells nothing about where they differ.
    pub fn opens(&self, app: &Name, token: &str) -> bool {
        verify_slices_are_equal(self.token(app).as_bytes(), token.as_bytes()).is_ok()
    }

    fn bytes(&self, app: &Name) -> [u8; TOKEN_BYTES] {
        let tag = hmac::sign(&self.0, format!("git of {app}").as_bytes());
        let mut bytes = [0; TOKEN_BYTES];
        bytes.copy_from_slice(&tag.as_ref()[..TOKEN_BYTES]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_app_has_a_token_that_stays_and_opens_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let (shop, blog) = ("shop".parse().unwrap(), "blog".parse().unwrap());
        let token = AccessKey::in_file(&path).unwrap().token(&shop);
        let again = AccessKey::in_file(&path).unwrap();
        assert!(again.opens(&shop, &token));
        assert!(!again.opens(&blog, &token));
        assert!(!again.opens(&shop, ""));
        assert!(!again.opens(&shop, &token[1..]));
        assert_eq!(token.len(), 2 * TOKEN_BYTES);
    }
}
