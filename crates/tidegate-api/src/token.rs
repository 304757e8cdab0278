//! The secret that opens the API over TCP: 256 bits in hex, in a file only its owner can read.
//!
//! Made by `tidegate up`, read by the server and by clients that share the data directory. It is never printed.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// The token. Its `Debug` output does not show it.
#[derive(Clone)]
pub struct Token(String);

const BYTES: usize = 32;

impl Token {
    /// A token as someone typed it; checked only by comparison.
    pub fn new(text: impl Into<String>) -> Self {
        Token(text.into())
    }

    /// The text, for the `Authorization` header.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same. The time it takes tells nothing about where they differ.
    pub fn matches(&self, other: &str) -> bool {
        let (mine, theirs) = (self.0.as_bytes(), other.as_bytes());
        if mine.len() != theirs.len() {
            return false;
        }
        let difference = mine.iter().zip(theirs).fold(0_u8, |sum, (a, b)| sum | (a ^ b));
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Reads the token at `path`, or makes one there with mode 0600. A file others can read is made private again.
///
/// # Errors
/// Whatever the file system says; `InvalidData` where the file holds something other than a token.
pub fn load_or_create(path: &Path) -> io::Result<Token> {
    match load(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(path),
        loaded => {
            let token = loaded?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
            Ok(token)
        }
    }
}

/// Reads the token at `path`.
///
/// # Errors
/// As for [`load_or_create`], and `NotFound` where there is none.
pub fn load(path: &Path) -> io::Result<Token> {
    let mut text = String::new();
    File::open(path)?.take(1_024).read_to_string(&mut text)?;
    let text = text.trim();
    if text.len() == BYTES * 2 && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(Token(text.to_owned()))
    } else {
        let message =
            format!("{} holds no token (64 hex digits); remove it to have a new one made", path.display());
        Err(io::Error::new(io::ErrorKind::InvalidData, message))
    }
}

fn create(path: &Path) -> io::Result<Token> {
    let mut random = [0_u8; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    let text: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    tidegate_os::file::write_atomic(path, format!("{text}\n").as_bytes(), 0o600)?;
    Ok(Token(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_made_once_and_is_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let made = load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let again = load_or_create(&path).unwrap();
        assert!(made.matches(again.reveal()));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn two_tokens_differ_and_neither_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let one = load_or_create(&dir.path().join("one")).unwrap();
        let two = load_or_create(&dir.path().join("two")).unwrap();
        assert!(!one.matches(two.reveal()));
        assert!(!one.matches(""));
        assert!(!one.matches(&format!("{}0", one.reveal())));
        assert!(!format!("{one:?}").contains(one.reveal()));
    }

    #[test]
    fn a_file_that_holds_no_token_is_refused_and_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "hello").unwrap();
        assert_eq!(load_or_create(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hello");
    }
}
