//! Who may ask: keys that clients send as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Kept as hashes, compared in a time
//! that says nothing about them.

use aws_lc_rs::{constant_time, digest};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// Shorter ones are guessed.
const SHORTEST: usize = 16;
const LONGEST: usize = 512;
const MOST: usize = 1_000;
const SET: &str = "flagSetId=";

/// The keys; without any, everybody may ask.
#[derive(Clone, Debug, Default)]
pub struct Keys(Vec<Key>);

#[derive(Clone, Debug)]
struct Key {
    digest: [u8; 32],
    set: Option<String>,
}

/// A line of keys that cannot be used. Says the line, never the key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeysError {
    /// Too short, too long, or with characters that no header carries.
    #[error("line {0}: a key is {SHORTEST} to {LONGEST} letters, digits and signs without spaces")]
    Key(usize),
    /// Something else behind the key.
    #[error("line {0}: after the key there is nothing, or `{SET}NAME`")]
    Rest(usize),
    /// No key in it.
    #[error("there is no key in it")]
    None,
    /// Too many keys.
    #[error("there are more than {MOST} keys in it")]
    Many,
}

/// Who asks, by the key that was sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Caller<'k> {
    /// May ask; for one flag set only where the key says so.
    Known(Option<&'k str>),
    /// Sent no key.
    Nobody,
    /// Sent a wrong key.
    Stranger,
}

/// A key for one flag set was sent to ask for others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Elsewhere;

impl Keys {
    /// Reads keys: one a line, each followed by `flagSetId=NAME` where it is for one flag set only. `#` begins a comment.
    pub fn parse(text: &str) -> Result<Self, KeysError> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let keys = lines.map(|(number, line)| Key::parse(number, line)).collect::<Result<Vec<_>, _>>()?;
        match keys.len() {
            0 => Err(KeysError::None),
            many if many > MOST => Err(KeysError::Many),
            _ => Ok(Keys(keys)),
        }
    }

    /// Who sent these headers.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Caller<'_> {
        if self.0.is_empty() {
            return Caller::Known(None);
        }
        let Some(sent) = sent(headers) else { return Caller::Nobody };
        let sent = sha256(sent);
        // All are looked at: how long it takes says nothing about which one it is.
        let same = |key: &&Key| constant_time::verify_slices_are_equal(&key.digest, &sent).is_ok();
        let found = self.0.iter().filter(same).fold(None, |_, key| Some(key));
        found.map_or(Caller::Stranger, |key| Caller::Known(key.set.as_deref()))
    }
}

/// The flag set for a caller who asks for one, or for none in particular.
pub(crate) fn allowed<'a>(
    own: Option<&'a str>,
    asked: Option<&'a str>,
) -> Result<Option<&'a str>, Elsewhere> {
    match (own, asked) {
        (Some(own), Some(asked)) if own != asked => Err(Elsewhere),
        (Some(own), _) => Ok(Some(own)),
        (None, asked) => Ok(asked),
    }
}

impl Key {
    fn parse(number: usize, line: &str) -> Result<Self, KeysError> {
        let (key, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if !(SHORTEST..=LONGEST).contains(&key.len()) || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeysError::Key(number));
        }
        let set = match rest.trim() {
            "" => None,
            rest => Some(rest.strip_prefix(SET).ok_or(KeysError::Rest(number))?.to_owned()),
        };
        Ok(Key { digest: sha256(key.as_bytes()), set })
    }
}

fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = || {
        let (scheme, key) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
    };
    bearer().or_else(|| Some(headers.get("x-api-key")?.as_bytes()))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# ours\n0123456789abcdef\n\n  fedcba9876543210 flagSetId=web\n";

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), value.parse().unwrap())])
    }

    #[test]
    fn keys_come_by_either_header() {
        let keys = Keys::parse(TEXT).unwrap();
        let caller = |name, value| keys.caller(&headers(name, value)) == Caller::Known(None);
        assert!(caller("authorization", "Bearer 0123456789abcdef"));
        assert!(caller("authorization", "bearer 0123456789abcdef"));
        assert!(caller("x-api-key", "0123456789abcdef"));
        assert_eq!(keys.caller(&headers("x-api-key", "fedcba9876543210")), Caller::Known(Some("web")));
    }

    #[test]
    fn others_are_strangers_or_nobody() {
        let keys = Keys::parse(TEXT).unwrap();
        assert_eq!(keys.caller(&HeaderMap::new()), Caller::Nobody);
        assert_eq!(keys.caller(&headers("authorization", "Basic 0123456789abcdef")), Caller::Nobody);
        assert_eq!(keys.caller(&headers("x-api-key", "0123456789abcdeF")), Caller::Stranger);
        assert_eq!(keys.caller(&headers("x-api-key", "")), Caller::Stranger);
        assert_eq!(Keys::default().caller(&HeaderMap::new()), Caller::Known(None));
    }

    #[test]
    fn mistakes_name_their_line_and_not_the_key() {
        for (text, error) in [
            ("tooshort", KeysError::Key(1)),
            ("\nkeys-with-ümlauts-are-none", KeysError::Key(2)),
            ("0123456789abcdef client", KeysError::Rest(1)),
            ("# nothing\n", KeysError::None),
        ] {
            assert_eq!(Keys::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_key_for_one_flag_set_is_for_no_other() {
        assert_eq!(allowed(Some("web"), None), Ok(Some("web")));
        assert_eq!(allowed(Some("web"), Some("web")), Ok(Some("web")));
        assert_eq!(allowed(Some("web"), Some("shop")), Err(Elsewhere));
        assert_eq!(allowed(None, Some("shop")), Ok(Some("shop")));
    }
}
