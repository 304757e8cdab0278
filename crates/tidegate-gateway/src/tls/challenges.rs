//! What the gateway answers to an authority that wants to see that a host is ours (RFC 8555, 8.3; RFC 8737). Filled by
//! [`super::acme`] for the time of an order, asked by every worker.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use rustls::sign::CertifiedKey;

use crate::front::Part;

/// The path of HTTP-01, before the token.
const PATH: &str = "/.well-known/acme-challenge/";
/// The protocol of TLS-ALPN-01.
pub(super) const ALPN: &[u8] = b"acme-tls/1";

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    /// Whether there is any: nearly always there is none, and then nobody waits for the lock.
    any: AtomicBool,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    /// By token.
    http: HashMap<String, Bytes>,
    /// By host.
    tls: HashMap<String, Arc<CertifiedKey>>,
}

impl Challenges {
    /// Whether a request for the path may be one of an authority's. Where no challenge is open, none is.
    pub(crate) fn asks(&self, path: &str) -> bool {
        self.any.load(Ordering::Relaxed) && path.starts_with(PATH)
    }

    /// The answer to HTTP-01, where the path asks for one.
    pub(crate) fn answer(&self, path: &str) -> Option<Response<Part>> {
        if !self.asks(path) {
            return None;
        }
        let text = self.lock().http.get(path.strip_prefix(PATH)?).cloned()?;
        let mut response = Response::new(Part::Page(Some(text)));
        let kind = HeaderValue::from_static("application/octet-stream");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        Some(response)
    }

    /// The certificate of TLS-ALPN-01 for a name.
    pub(super) fn certificate(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        self.lock().tls.get(&name?.to_ascii_lowercase()).cloned()
    }

    /// Answers HTTP-01 until the value is dropped.
    pub(super) fn open_http(self: &Arc<Self>, token: &str, text: &str) -> Opened {
        self.change(|open| open.http.insert(token.to_owned(), Bytes::from(text.to_owned())));
        Opened { challenges: self.clone(), key: token.to_owned() }
    }

    /// Answers TLS-ALPN-01 until the value is dropped.
    pub(super) fn open_tls(self: &Arc<Self>, host: &str, certificate: Arc<CertifiedKey>) -> Opened {
        self.change(|open| open.tls.insert(host.to_owned(), certificate));
        Opened { challenges: self.clone(), key: host.to_owned() }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Open) -> T) {
        let mut open = self.lock();
        change(&mut open);
        self.any.store(!open.http.is_empty() || !open.tls.is_empty(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One challenge that is answered. A token is no host name: one map never holds a key of the other.
#[derive(Debug)]
pub(super) struct Opened {
    challenges: Arc<Challenges>,
    key: String,
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.challenges.change(|open| {
            open.http.remove(&self.key);
            open.tls.remove(&self.key);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_answered_while_its_order_is_under_way() {
        let challenges = Arc::new(Challenges::default());
        assert!(challenges.answer("/.well-known/acme-challenge/token").is_none());
        let opened = challenges.open_http("token", "token.thumb");
        assert!(challenges.answer("/.well-known/acme-challenge/token").is_some());
        for other in ["/.well-known/acme-challenge/", "/.well-known/acme-challenge/toke", "/token"] {
            assert!(challenges.answer(other).is_none(), "{other}");
        }
        drop(opened);
        assert!(!challenges.asks("/.well-known/acme-challenge/token"));
    }
}
