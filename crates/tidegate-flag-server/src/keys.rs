//! Who may ask: keys that clients send as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Kept by their hashes, so that one is
//! found at once among many; how long a look takes tells of the hash of what was sent, from which nobody gets to a key.

use std::collections::HashMap;
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
    /// By digest.
    known: HashMap<[u8; 32], Arc<Grant>>,
    keyless: Keyless,
}

/// What becomes of those who send no key.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Keyless {
    /// There are no keys: everybody may ask, whatever they send.
    Anybody(Arc<Grant>),
    /// They may ask for this; a wrong key is refused all the same. Pages that nobody named see what is for clients.
    Granted {
        full: Arc<Grant>,
        of_pages: Arc<Grant>,
    },
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grant {
    /// The name of the board in the hall; empty where there is one only.
    pub board: String,
    /// How much of it.
    pub audience: Audience,
    /// One flag set of the file only, as flagd's files name it in metadata.
    pub flag_set: Option<String>,
}

/// Who a key is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Processes of one's own: everything, definitions as well.
    #[default]
    Server,
    /// What runs with users, who can read the key: values of the flags that are for clients, and no more.
    Client,
}

/// By which key somebody asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// By the one with this digest.
    Key([u8; 32]),
    /// By none.
    Nobody,
    /// By none, from a page: whoever opened it may not know that it asks.
    Page,
}

impl Holder {
    pub(crate) fn digest(&self) -> Option<&[u8; 32]> {
        match self {
            Holder::Key(digest) => Some(digest),
            Holder::Nobody | Holder::Page => None,
        }
    }
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
            _ => Ok(Keys::of(keys, None)),
        }
    }

    /// These, and what those may see who send none.
    pub fn of(known: Vec<Key>, keyless: Option<Grant>) -> Self {
        let keyless = keyless.map_or(Keyless::Refused, Keyless::granted);
        let known = known.into_iter().map(|key| (key.digest, key.grant)).collect();
        Keys { known, keyless }
    }

    /// Who sent these headers; `page`: they are of a page that nobody named.
    pub(crate) fn caller(&self, headers: &HeaderMap, page: bool) -> Caller {
        let keyless = if page { Holder::Page } else { Holder::Nobody };
        if let Keyless::Anybody(grant) = &self.keyless {
            return Caller::Known(keyless, grant.clone());
        }
        let Some(sent) = sent(headers) else {
            let grant = self.grant(&keyless).cloned();
            return grant.map_or(Caller::Nobody, |grant| Caller::Known(keyless, grant));
        };
        let sent = sha256(sent);
        let found = self.known.get_key_value(&sent);
        // The map stops at the first byte that differs; that it is the same one is not left to it.
        let found =
            found.filter(|(digest, _)| constant_time::verify_slices_are_equal(*digest, &sent).is_ok());
        found.map_or(Caller::Stranger, |(digest, grant)| Caller::Known(Holder::Key(*digest), grant.clone()))
    }

    /// What whoever asks by this key may see now; `None` where the key is no longer known.
    pub(crate) fn grant(&self, holder: &Holder) -> Option<&Arc<Grant>> {
        match (holder, &self.keyless) {
            (Holder::Key(digest), _) => self.known.get(digest),
            (Holder::Nobody | Holder::Page, Keyless::Anybody(grant)) => Some(grant),
            (Holder::Nobody, Keyless::Granted { full, .. }) => Some(full),
            (Holder::Page, Keyless::Granted { of_pages, .. }) => Some(of_pages),
            (Holder::Nobody | Holder::Page, Keyless::Refused) => None,
        }
    }

    /// The digests of all keys.
    pub(crate) fn digests(&self) -> impl Iterator<Item = &[u8; 32]> {
        self.known.keys()
    }
}

impl Keyless {
    fn granted(full: Grant) -> Self {
        let of_pages = Arc::new(Grant { audience: Audience::Client, ..full.clone() });
        Keyless::Granted { full: Arc::new(full), of_pages }
    }
}

impl Default for Keys {
    /// None: everybody may ask.
    fn default() -> Self {
        Keys { known: HashMap::new(), keyless: Keyless::Anybody(Arc::default()) }
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
        match keys.caller(headers, false) {
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
        assert_eq!(keys.caller(&HeaderMap::new(), false), Caller::Nobody);
        assert_eq!(keys.caller(&headers("authorization", "Basic 0123456789abcdef"), false), Caller::Nobody);
        assert_eq!(keys.caller(&headers("x-api-key", "0123456789abcdeF"), false), Caller::Stranger);
        assert_eq!(keys.caller(&headers("x-api-key", ""), false), Caller::Stranger);
        for anything in [HeaderMap::new(), headers("x-api-key", "whatever-it-may-be")] {
            assert_eq!(seen(&Keys::default(), &anything), Some(None));
        }
    }

    #[test]
    fn where_one_needs_no_key_a_wrong_one_is_refused_all_the_same() {
        let open = Grant { board: "shop/production".to_owned(), ..Grant::default() };
        let keys = Keys::of(Vec::new(), Some(open.clone()));
        assert_eq!(
            keys.caller(&HeaderMap::new(), false),
            Caller::Known(Holder::Nobody, Arc::new(open.clone()))
        );
        let of_pages = Arc::new(Grant { audience: Audience::Client, ..open });
        assert_eq!(keys.caller(&HeaderMap::new(), true), Caller::Known(Holder::Page, of_pages));
        assert_eq!(keys.caller(&headers("x-api-key", "0123456789abcdef"), false), Caller::Stranger);
        assert_eq!(Keys::of(Vec::new(), None).caller(&HeaderMap::new(), false), Caller::Nobody);
    }

    #[test]
    fn a_key_that_is_gone_grants_nothing() {
        let keys = Keys::parse(TEXT).unwrap();
        let holders = ["0123456789abcdef", "fedcba9876543210"].map(|key| Holder::Key(sha256(key.as_bytes())));
        assert_eq!(keys.digests().count(), 2);
        assert!(holders.iter().all(|holder| keys.grant(holder).is_some()));
        let fewer = Keys::parse("fedcba9876543210 flagSetId=web").unwrap();
        assert!(fewer.grant(&holders[0]).is_none());
        assert_eq!(fewer.grant(&holders[1]).unwrap().flag_set.as_deref(), Some("web"));
        assert!(fewer.grant(&Holder::Nobody).is_none());
    }

    /// With 10,000 keys a look at each took 100 microseconds of every request.
    #[test]
    fn one_among_many_is_found_at_once() {
        let key = |number: usize| Key {
            digest: sha256(format!("a-key-of-many-{number:08}").as_bytes()),
            grant: Arc::new(Grant { board: number.to_string(), ..Grant::default() }),
        };
        let keys = Keys::of((0..10_000).map(key).collect(), None);
        let sent = headers("x-api-key", "a-key-of-many-00009999");
        let begun = std::time::Instant::now();
        for _ in 0..1_000 {
            let Caller::Known(_, grant) = keys.caller(&sent, false) else { panic!("it is known") };
            assert_eq!(grant.board, "9999");
        }
        assert!(begun.elapsed() < std::time::Duration::from_millis(500), "{:?}", begun.elapsed());
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
