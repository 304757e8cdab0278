//! What the control plane writes for the gateway: the flags of every app and environment, and the keys to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::keys::{Audience, Grant, Key, Keys};

/// Most sets and most keys.
const MOST: usize = 10_000;
/// The longest name of a set.
const LONGEST_NAME: usize = 256;

/// The file, read.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Sets {
    /// Which writing of it this is.
    #[serde(default)]
    pub(crate) epoch: u64,
    /// By name, `APP/ENVIRONMENT`; each is what flagd calls a flag definition.
    #[serde(default)]
    pub(crate) sets: BTreeMap<String, Value>,
    #[serde(default)]
    keys: Vec<Line>,
    /// The set that is served to who sends no key.
    #[serde(default)]
    open: Option<String>,
}

/// A key in the file.
#[derive(Debug, Deserialize)]
struct Line {
    /// SHA-256 in hexadecimal digits.
    digest: String,
    set: String,
    #[serde(default)]
    kind: Audience,
}

impl Sets {
    /// Reads the file's text. An error says what is wrong, and never shows a digest.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let sets: Sets = serde_json::from_str(text).map_err(|error| format!("no flag sets: {error}"))?;
        if sets.sets.len() > MOST || sets.keys.len() > MOST {
            return Err(format!("there are more than {MOST} sets or keys in it"));
        }
        if sets.names().any(|name| name.is_empty() || name.len() > LONGEST_NAME) {
            return Err(format!("a set's name has 1 to {LONGEST_NAME} bytes"));
        }
        Ok(sets)
    }

    /// Every set that there is or that somebody may ask for.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().map(|line| line.set.as_str());
        self.sets.keys().map(String::as_str).chain(keys).chain(self.open.as_deref())
    }

    /// Who may ask for what. `open`: the set that is served to who sends no key, whatever the file says.
    pub(crate) fn keys(&self, open: Option<&str>) -> Result<Keys, String> {
        let key = |(index, line): (usize, &Line)| {
            let wrong = || format!("/keys/{index}/digest: 64 hexadecimal digits are expected");
            let digest = digest(&line.digest).ok_or_else(wrong)?;
            let grant = Grant { board: line.set.clone(), audience: line.kind, flag_set: None };
            Ok(Key { digest, grant: Arc::new(grant) })
        };
        let known = self.keys.iter().enumerate().map(key).collect::<Result<_, String>>()?;
        let keyless = open.or(self.open.as_deref());
        let keyless = keyless.map(|name| Grant { board: name.to_owned(), ..Grant::default() });
        Ok(Keys::of(known, keyless))
    }
}

fn digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{Holder, sha256};

    #[test]
    fn digests_are_read_in_either_case() {
        let text = "00ff".repeat(16);
        let read = digest(&text).unwrap();
        assert_eq!((read[0], read[1], read[31]), (0, 255, 255));
        assert_eq!(digest(&text.to_uppercase()), Some(read));
        for bad in ["", "00", &"0g".repeat(32), &"0".repeat(63), &"+f".repeat(32)] {
            assert_eq!(digest(bad), None, "{bad}");
        }
    }

    #[test]
    fn keys_are_what_the_file_says() {
        let hex: String = sha256(b"0123456789abcdef").iter().map(|byte| format!("{byte:02x}")).collect();
        let text = format!(
            r#"{{"epoch":3,"sets":{{"a/b":{{"flags":{{}}}}}},"keys":[{{"digest":"{hex}","set":"c/d","kind":"client","name":"x"}}],"open":"e/f"}}"#
        );
        let sets = Sets::parse(&text).unwrap();
        assert_eq!((sets.epoch, sets.names().collect::<Vec<_>>()), (3, vec!["a/b", "c/d", "e/f"]));
        let keys = sets.keys(None).unwrap();
        assert_eq!(keys.digests().count(), 1);
        let grant = keys.grant(&Holder::Key(sha256(b"0123456789abcdef"))).unwrap();
        assert_eq!((grant.board.as_str(), grant.audience), ("c/d", Audience::Client));
        assert_eq!(keys.grant(&Holder::Nobody).unwrap().board, "e/f");
        assert_eq!(sets.keys(Some("x/y")).unwrap().grant(&Holder::Nobody).unwrap().board, "x/y");
    }

    #[test]
    fn mistakes_are_named() {
        for (text, part) in [
            ("", "no flag sets"),
            (r#"{"sets":{"":{}}}"#, "1 to 256 bytes"),
            (r#"{"keys":[{"digest":"00","set":"a","kind":"boss"}]}"#, "boss"),
        ] {
            let error = Sets::parse(text).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
        let bad = Sets::parse(r#"{"keys":[{"digest":"secret","set":"a"}]}"#).unwrap();
        let error = bad.keys(None).unwrap_err();
        assert!(error.starts_with("/keys/0/digest") && !error.contains("secret"), "{error}");
    }
}
