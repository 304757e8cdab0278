//! Names and passwords (RFC 7617). Passwords are checked off the worker's thread, and what was found is remembered for a
//! minute, so that a page of fifty requests costs one check. Nothing of them is logged or passed on.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Response, header};
use tidegate_core::model;
use tokio::sync::Semaphore;

use super::PolicyError;
use crate::front::Part;
use crate::page::Page;
use crate::view::RequestView;

/// How long a check holds.
const REMEMBERED: Duration = Duration::from_secs(60);
/// Most checks that are remembered.
const MOST_REMEMBERED: usize = 4_096;
/// Checks at once: each is a CPU for a while.
const AT_ONCE: usize = 2;
/// Requests that wait for one; others are told to come again.
const MOST_WAITING: usize = 64;
/// More rounds would be seconds a check.
const MOST_COST: u32 = 15;

/// See the module.
#[derive(Debug)]
pub(super) struct BasicAuth {
    challenge: HeaderValue,
    users: BTreeMap<Box<str>, Arc<str>>,
    /// Checked for names that nobody has, so that they take as long as the others. The costliest there is.
    decoy: Arc<str>,
    known: Known,
    waiting: Semaphore,
    turns: Semaphore,
}

impl BasicAuth {
    pub(super) fn compile(model: &model::BasicAuth) -> Result<Self, PolicyError> {
        let wrong = |why: String| PolicyError::new("basic_auth", why);
        let mut users = BTreeMap::new();
        let mut costliest: Option<(u32, Arc<str>)> = None;
        for (name, hash) in &model.users {
            if name.contains(':') || name.chars().any(char::is_control) {
                return Err(wrong(format!("{name:?} is no name: it has a colon or a control character")));
            }
            let cost = cost(hash).ok_or_else(|| {
                wrong(format!("the password of `{name}` is no bcrypt hash of a cost up to {MOST_COST}"))
            })?;
            let hash: Arc<str> = hash.as_str().into();
            if costliest.as_ref().is_none_or(|(most, _)| *most < cost) {
                costliest = Some((cost, hash.clone()));
            }
            users.insert(name.as_str().into(), hash);
        }
        let (_, decoy) = costliest.ok_or_else(|| wrong("`users` names nobody".to_owned()))?;
        Ok(BasicAuth {
            challenge: challenge(&model.realm)?,
            users,
            decoy,
            known: Known::new().ok_or_else(|| wrong("the machine has no random numbers".to_owned()))?,
            waiting: Semaphore::new(MOST_WAITING),
            turns: Semaphore::new(AT_ONCE),
        })
    }

    /// The answer to everybody who does not give a name and its password.
    pub(super) async fn refuse(&self, view: &dyn RequestView) -> Option<Response<Part>> {
        let Some(given) = view.field("authorization").and_then(credentials) else {
            return Some(self.ask());
        };
        match self.check(given).await {
            Some(true) => None,
            Some(false) => Some(self.ask()),
            None => Some(Page::BUSY.response()),
        }
    }

    fn ask(&self) -> Response<Part> {
        let mut response = Page::UNAUTHORIZED.response();
        response.headers_mut().insert(header::WWW_AUTHENTICATE, self.challenge.clone());
        response
    }

    /// `None`: too many want to know at once.
    async fn check(&self, given: Vec<u8>) -> Option<bool> {
        let tag = self.known.tag(&given);
        if let Some(good) = self.known.get(&tag) {
            return Some(good);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        let _turn = self.turns.acquire().await.ok()?;
        // Somebody may have found out while this one waited.
        if let Some(good) = self.known.get(&tag) {
            return Some(good);
        }
        let good = self.verify(given).await?;
        self.known.put(tag, good);
        Some(good)
    }

    async fn verify(&self, given: Vec<u8>) -> Option<bool> {
        let colon = given.iter().position(|byte| *byte == b':')?;
        let name = std::str::from_utf8(&given[..colon]).ok();
        let hash = name.and_then(|name| self.users.get(name));
        let is_user = hash.is_some();
        let hash = hash.unwrap_or(&self.decoy).clone();
        let check = move || bcrypt::verify(&given[colon + 1..], &hash).unwrap_or(false);
        Some(tokio::task::spawn_blocking(check).await.ok()? && is_user)
    }
}

/// What checks found, by a keyed hash of name and password: neither is kept.
#[derive(Debug)]
struct Known {
    key: hmac::Key,
    found: Mutex<HashMap<[u8; 32], (bool, Instant)>>,
}

impl Known {
    fn new() -> Option<Self> {
        let mut key = [0; 32];
        aws_lc_rs::rand::fill(&mut key).ok()?;
        Some(Known { key: hmac::Key::new(hmac::HMAC_SHA256, &key), found: Mutex::default() })
    }

    fn tag(&self, given: &[u8]) -> [u8; 32] {
        let mut tag = [0; 32];
        tag.copy_from_slice(hmac::sign(&self.key, given).as_ref());
        tag
    }

    fn get(&self, tag: &[u8; 32]) -> Option<bool> {
        let found = self.lock().get(tag).copied();
        found.filter(|(_, at)| at.elapsed() < REMEMBERED).map(|(good, _)| good)
    }

    fn put(&self, tag: [u8; 32], good: bool) {
        let mut found = self.lock();
        if found.len() >= MOST_REMEMBERED {
            found.retain(|_, (_, at)| at.elapsed() < REMEMBERED);
        }
        if found.len() >= MOST_REMEMBERED {
            // Somebody is guessing: those who know are kept.
            found.retain(|_, (good, _)| *good);
        }
        if found.len() < MOST_REMEMBERED {
            found.insert(tag, (good, Instant::now()));
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], (bool, Instant)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `name:password`, where the field has one.
fn credentials(field: &[u8]) -> Option<Vec<u8>> {
    let (scheme, encoded) = field.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    STANDARD.decode(encoded.trim_ascii()).ok().filter(|given| given.contains(&b':'))
}

/// The logarithm of its rounds, where it is a hash that can be checked in sane time.
fn cost(hash: &str) -> Option<u32> {
    let parts: bcrypt::HashParts = hash.parse().ok()?;
    Some(parts.get_cost()).filter(|cost| (4..=MOST_COST).contains(cost))
}

fn challenge(realm: &str) -> Result<HeaderValue, PolicyError> {
    let quoted = realm.replace('\\', "\\\\").replace('"', "\\\"");
    let wrong = |_| PolicyError::new("basic_auth", "`realm` has a line break or a control character");
    HeaderValue::try_from(format!("Basic realm=\"{quoted}\", charset=\"UTF-8\"")).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn auth(users: &[(&str, &str)]) -> Result<BasicAuth, PolicyError> {
        let users = users.iter().map(|(name, hash)| ((*name).to_owned(), (*hash).to_owned())).collect();
        BasicAuth::compile(&model::BasicAuth { realm: "a \"b\"".to_owned(), users })
    }

    #[tokio::test]
    async fn a_check_is_remembered_and_the_decoy_opens_nothing() {
        let hash = bcrypt::hash("secret", 4).unwrap();
        let auth = auth(&[("ada", &hash)]).unwrap();
        assert_eq!(auth.challenge, "Basic realm=\"a \\\"b\\\"\", charset=\"UTF-8\"");
        for (given, good) in [
            ("ada:secret", true),
            ("ada:secre", false),
            ("ada:", false),
            ("bob:secret", false),
            (":secret", false),
            ("ada:secret:x", false),
        ] {
            let tag = auth.known.tag(given.as_bytes());
            assert_eq!(auth.known.get(&tag), None, "{given}");
            assert_eq!(auth.check(given.into()).await, Some(good), "{given}");
            assert_eq!(auth.known.get(&tag), Some(good), "{given}");
        }
    }

    #[test]
    fn memory_is_bounded_and_those_who_know_are_kept() {
        let known = Known::new().unwrap();
        known.put(known.tag(b"ada:secret"), true);
        for guess in 0..2 * MOST_REMEMBERED {
            known.put(known.tag(format!("ada:{guess}").as_bytes()), false);
        }
        assert!(known.lock().len() <= MOST_REMEMBERED);
        assert_eq!(known.get(&known.tag(b"ada:secret")), Some(true));
    }

    #[test]
    fn what_can_be_no_user() {
        let good = bcrypt::hash("x", 4).unwrap();
        let dear = good.replace("$04$", "$31$");
        for (name, hash) in [("a:b", good.as_str()), ("a\n", &good), ("a", "secret"), ("a", ""), ("a", &dear)]
        {
            let error = auth(&[(name, hash)]).unwrap_err().to_string();
            assert!(hash.is_empty() || !error.contains(hash), "{error}");
        }
        assert!(auth(&[]).is_err());
    }

    #[test]
    fn only_basic_credentials_are_read() {
        assert_eq!(credentials(b"bAsIc YTpi"), Some(b"a:b".to_vec()));
        for other in [&b"Bearer YTpi"[..], b"Basic", b"Basic !", b"Basic YWI=", b"", b"BasicYTpi"] {
            assert_eq!(credentials(other), None, "{}", String::from_utf8_lossy(other));
        }
    }
}
