//! Who may ask: keys that clients send as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Kept as hashes, compared in a time
//! that says nothing about them.

use std::sync::Arc;

use aws_lc_rs::{constant_time, digest};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde::{Deserialize, Serialize};

/// Shorter ones are guessed.
const SHORTEST: usize = 16;
const LONGEST: usize = 512;
const MOST: usize = 1_000;
const SET: &str = "flagSetId=";

/// Who may ask for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    known: Vec<Key>,
    keyless: Keyless,
}

/// What becomes of those who send no key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keyless {
    /// There are no keys: everybody may ask, whatever they send.
    Anybody(Arc<Grant>),
    /// They may ask for this; a wrong key is refused all the same.
    Granted(Arc<Grant>),
    Refused,
}

/// One key, as its hash, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 of the key.
    pub digest: [u8; 32],
    /// What it is for.
    pub grant: Arc<Grant>,
}

/// What somebody may see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The name of the board in the hall; empty where there is one only.
    pub board: String,
    /// How much of it.
    pub audience: Audience,
    /// One flag set of the file only, as flagd's files name it in metadata.
    pub flag_set: Option<String>,
}

/// Who a key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Processes of one's own: everything, definitions as well.
    #[default]
    Server,
    /// What runs with users, who can read the key: values of the flags that are for clients, and no more.
    Client,
}

/// By which key somebody asks; `None`: without one.
pub(crate) type Holder = Option<[u8; 32]>;

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
pub(crate) enum Caller {
    /// May ask for this.
    Known(Holder, Arc<Grant>),
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
            _ => Ok(Keys { known: keys, keyless: Keyless::Refused }),
        }
    }

    /// These, and what those may see who send none.
    pub fn of(known: Vec<Key>, keyless: Option<Grant>) -> Self {
        let keyless = keyless.map_or(Keyless::Refused, |grant| Keyless::Granted(Arc::new(grant)));
        Keys { known, keyless }
    }

    /// Who sent these headers.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Caller {
        if let Keyless::Anybody(grant) = &self.keyless {
            return Caller::Known(None, grant.clone());
        }
        let Some(sent) = sent(headers) else {
            let Keyless::Granted(grant) = &self.keyless else { return Caller::Nobody };
            return Caller::Known(None, grant.clone());
        };
        let sent = sha256(sent);
        // All are looked at: how long it takes says nothing about which one it is.
        let same = |key: &&Key| constant_time::verify_slices_are_equal(&key.digest, &sent).is_ok();
        let found = self.known.iter().filter(same).fold(None, |_, key| Some(key));
        found.map_or(Caller::Stranger, |key| Caller::Known(Some(key.digest), key.grant.clone()))
    }

    /// What whoever asks by this key may see now; `None` where the key is no longer known.
    pub(crate) fn grant(&self, holder: &Holder) -> Option<&Arc<Grant>> {
        match (holder, &self.keyless) {
            (Some(digest), _) => self.known.iter().find(|key| key.digest == *digest).map(|key| &key.grant),
            (None, Keyless::Anybody(grant) | Keyless::Granted(grant)) => Some(grant),
            (None, Keyless::Refused) => None,
        }
    }

    /// Everybody who may ask.
    pub(crate) fn holders(&self) -> impl Iterator<Item = Holder> {
        let keyless = !matches!(self.keyless, Keyless::Refused);
        self.known.iter().map(|key| Some(key.digest)).chain(keyless.then_some(None))
    }
}

impl Default for Keys {
    /// None: everybody may ask.
    fn default() -> Self {
        Keys { known: Vec::new(), keyless: Keyless::Anybody(Arc::default()) }
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
        let grant = Grant { flag_set: set, ..Grant::default() };
        Ok(Key { digest: sha256(key.as_bytes()), grant: Arc::new(grant) })
    }
}

fn sent(headers: &HeaderMap) -> Option<&[u8]> {
    let bearer = || {
        let (scheme, key) = headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(7)?;
        scheme.eq_ignore_ascii_case(b"bearer ").then(|| key.trim_ascii())
    };
    bearer().or_else(|| Some(headers.get("x-api-key")?.as_bytes()))
}

pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
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

    /// The flag set that whoever sends this may see.
    fn seen(keys: &Keys, headers: &HeaderMap) -> Option<Option<String>> {
        match keys.caller(headers) {
            Caller::Known(_, grant) => Some(grant.flag_set.clone()),
            Caller::Nobody | Caller::Stranger => None,
        }
    }

    #[test]
    fn keys_come_by_either_header() {
        let keys = Keys::parse(TEXT).unwrap();
        let caller = |name, value| seen(&keys, &headers(name, value)) == Some(None);
        assert!(caller("authorization", "Bearer 0123456789abcdef"));
        assert!(caller("authorization", "bearer 0123456789abcdef"));
        assert!(caller("x-api-key", "0123456789abcdef"));
        assert_eq!(seen(&keys, &headers("x-api-key", "fedcba9876543210")), Some(Some("web".to_owned())));
    }

    #[test]
    fn others_are_strangers_or_nobody() {
        let keys = Keys::parse(TEXT).unwrap();
        assert_eq!(keys.caller(&HeaderMap::new()), Caller::Nobody);
        assert_eq!(keys.caller(&headers("authorization", "Basic 0123456789abcdef")), Caller::Nobody);
        assert_eq!(keys.caller(&headers("x-api-key", "0123456789abcdeF")), Caller::Stranger);
        assert_eq!(keys.caller(&headers("x-api-key", "")), Caller::Stranger);
        for anything in [HeaderMap::new(), headers("x-api-key", "whatever-it-may-be")] {
            assert_eq!(seen(&Keys::default(), &anything), Some(None));
        }
    }

    #[test]
    fn where_one_needs_no_key_a_wrong_one_is_refused_all_the_same() {
        let open = Grant { board: "shop/production".to_owned(), ..Grant::default() };
        let keys = Keys::of(Vec::new(), Some(open.clone()));
        assert_eq!(keys.caller(&HeaderMap::new()), Caller::Known(None, Arc::new(open)));
        assert_eq!(keys.caller(&headers("x-api-key", "0123456789abcdef")), Caller::Stranger);
        assert_eq!(Keys::of(Vec::new(), None).caller(&HeaderMap::new()), Caller::Nobody);
    }

    #[test]
    fn a_key_that_is_gone_grants_nothing() {
        let keys = Keys::parse(TEXT).unwrap();
        let holders: Vec<Holder> = keys.holders().collect();
        assert_eq!(holders.len(), 2);
        assert!(holders.iter().all(|holder| keys.grant(holder).is_some()));
        let fewer = Keys::parse("fedcba9876543210 flagSetId=web").unwrap();
        assert!(fewer.grant(&holders[0]).is_none());
        assert_eq!(fewer.grant(&holders[1]).unwrap().flag_set.as_deref(), Some("web"));
        assert!(fewer.grant(&None).is_none());
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
