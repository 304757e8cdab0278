//! Which file a path asks for. Pure, and strict: what could mean two things means nothing.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The longest path, as the client sends it.
const LONGEST: usize = 4_096;
/// The one name with a dot in front that is the web's own (RFC 8615).
const WELL_KNOWN: &[u8] = b".well-known";

/// A path below the site's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    path: PathBuf,
    is_folder: bool,
}

impl Target {
    /// Reads the path of a request: percent-decoded once, each name by itself. `None` where a name is empty, begins with a
    /// dot (so `.` and `..` too), or has a slash, a backslash or a control character in it.
    pub(super) fn parse(path: &str) -> Option<Self> {
        let names = path.strip_prefix('/').filter(|_| path.len() <= LONGEST)?;
        let mut path = PathBuf::new();
        if names.is_empty() {
            return Some(Target { path, is_folder: true });
        }
        let (names, is_folder) = names.strip_suffix('/').map_or((names, false), |names| (names, true));
        for (depth, name) in names.split('/').enumerate() {
            path.push(OsString::from_vec(checked(name, depth)?));
        }
        Some(Target { path, is_folder })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it ends in a slash.
    pub(super) fn is_folder(&self) -> bool {
        self.is_folder
    }
}

/// Another file beside this one: `app.js` and `.br` is `app.js.br`.
pub(super) fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(OsStr::from_bytes(suffix.as_bytes()));
    PathBuf::from(name)
}

fn checked(name: &str, depth: usize) -> Option<Vec<u8>> {
    let name = decoded(name)?;
    let bad = |byte: &u8| byte.is_ascii_control() || matches!(byte, b'/' | b'\\');
    let hidden = name.first() == Some(&b'.') && !(depth == 0 && name == WELL_KNOWN);
    let refused = name.is_empty() || name.len() > 255 || hidden || name.iter().any(bad);
    (!refused).then_some(name)
}

/// Percent-decoded once; `None` where a `%` is not followed by two digits.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? << 4 | digit(bytes.next()?)?,
            other => other,
        });
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Component;

    fn parsed(path: &str) -> Option<(String, bool)> {
        Target::parse(path).map(|target| (target.path.display().to_string(), target.is_folder))
    }

    #[test]
    fn names_are_decoded_once() {
        for (path, file, is_folder) in [
            ("/", "", true),
            ("/a", "a", false),
            ("/a/", "a", true),
            ("/a%20b/%c3%a9.html", "a b/é.html", false),
            ("/%252e%252e/x", "%2e%2e/x", false),
            ("/.well-known/security.txt", ".well-known/security.txt", false),
            ("/a..b/c.", "a..b/c.", false),
        ] {
            assert_eq!(parsed(path), Some((file.to_owned(), is_folder)), "{path}");
        }
    }

    #[test]
    fn what_could_lead_elsewhere_leads_nowhere() {
        for path in include_str!("traversal.txt").lines() {
            assert_eq!(parsed(path), None, "{path}");
        }
        assert!(include_str!("traversal.txt").lines().count() >= 40);
        assert_eq!(parsed(&format!("/{}", "a".repeat(256))), None);
        assert_eq!(parsed(&"/a".repeat(2_049)), None);
    }

    proptest! {
        #[test]
        fn a_target_is_always_below_the_folder(path in "/([./\\\\%a25eEfF0cC]|%2[eEfF]|\\.\\.){0,24}") {
            if let Some(target) = Target::parse(&path) {
                prop_assert!(target.path.components().all(|part| matches!(part, Component::Normal(_))));
                prop_assert!(!target.path.as_os_str().as_bytes().contains(&0));
            }
        }
    }
}
