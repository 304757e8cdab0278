//! Every answer that is none: its status, and its body as the protocol has it.

use http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Answer, json};
use crate::selector::BadSelector;
use tidegate_flags::ContextError;

/// Seconds after which one may ask again.
const LATER: HeaderValue = HeaderValue::from_static("5");

/// Why a request is not answered. What is wrong with one flag is not in here: that is an answer.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No such path.
    Nowhere,
    /// Not by this method, but by that.
    Method(Method),
    /// No key.
    Nobody,
    /// A wrong key.
    Stranger,
    /// A key for other flags.
    Elsewhere,
    /// A key for clients.
    NotForClients,
    /// Nothing is known of flags and keys yet.
    Early,
    /// An event stream's address that is too old, or not ours.
    Ticket,
    /// A selector we do not know.
    Selector(BadSelector),
    /// A body that is no JSON: what is wrong.
    NoJson(String),
    /// A body without a context that can be used.
    Context(&'static str),
    /// A context with too much in it.
    Large(ContextError),
    /// A key that nobody can have given to a flag.
    Key,
    /// A body longer than so many bytes.
    TooLarge(usize),
    /// A body that did not come in time.
    Slow,
    /// A body that broke off.
    Broken,
    /// Too many streams.
    Crowded,
    /// Too much is held for others.
    Full,
}

impl Refusal {
    /// Whether it is about who asks.
    pub(super) fn is_of_caller(&self) -> bool {
        matches!(
            self,
            Refusal::Nobody
                | Refusal::Stranger
                | Refusal::Elsewhere
                | Refusal::NotForClients
                | Refusal::Ticket
        )
    }

    /// For the whole request.
    pub(super) fn answer(&self) -> Answer {
        self.of(None)
    }

    /// Where it was about one flag.
    pub(super) fn of_flag(&self, key: &str) -> Answer {
        self.of(Some(key))
    }

    fn of(&self, key: Option<&str>) -> Answer {
        let mut body = json!({ "errorDetails": self.to_string() });
        if let Some(code) = self.code() {
            body["errorCode"] = Value::from(code);
            if let Some(key) = key {
                body["key"] = Value::from(key);
            }
        }
        let mut answer = json(self.status(), body.to_string());
        let headers = answer.headers_mut();
        match self {
            Refusal::Method(method) => {
                let allowed = if *method == Method::POST { "POST, OPTIONS" } else { "GET, OPTIONS" };
                headers.insert(ALLOW, HeaderValue::from_static(allowed));
            }
            Refusal::Nobody | Refusal::Stranger => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
                // Who may not ask needs no connection to keep.
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Refusal::Crowded | Refusal::Early => {
                headers.insert(RETRY_AFTER, LATER);
            }
            Refusal::Full => {
                headers.insert(RETRY_AFTER, LATER);
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            // The same; and what is left of a body is not waited for.
            Refusal::Ticket | Refusal::TooLarge(_) | Refusal::Slow => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        answer
    }

    fn status(&self) -> StatusCode {
        match self {
            Refusal::Nowhere => StatusCode::NOT_FOUND,
            Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::Nobody | Refusal::Stranger | Refusal::Ticket => StatusCode::UNAUTHORIZED,
            Refusal::Elsewhere | Refusal::NotForClients => StatusCode::FORBIDDEN,
            Refusal::Early => StatusCode::SERVICE_UNAVAILABLE,
            Refusal::Selector(_)
            | Refusal::NoJson(_)
            | Refusal::Context(_)
            | Refusal::Large(_)
            | Refusal::Broken => StatusCode::BAD_REQUEST,
            Refusal::Key => StatusCode::NOT_FOUND,
            Refusal::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
            Refusal::Crowded | Refusal::Full => StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// What OpenFeature calls it.
    fn code(&self) -> Option<&'static str> {
        match self {
            Refusal::NoJson(_) | Refusal::Context(_) | Refusal::Large(_) | Refusal::Broken => {
                Some("INVALID_CONTEXT")
            }
            Refusal::Selector(_) => Some("GENERAL"),
            Refusal::Key => Some("FLAG_NOT_FOUND"),
            _ => None,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Nowhere => f.write_str("nothing is served here; flags are at /ofrep/v1/evaluate/flags"),
            Refusal::Method(method) => write!(f, "ask by {method}"),
            Refusal::Nobody => f.write_str("send a key, as `Authorization: Bearer KEY` or `X-API-Key: KEY`"),
            Refusal::Stranger => f.write_str("the key is none of those that may ask"),
            Refusal::Elsewhere => f.write_str("the key is for another flag set"),
            Refusal::NotForClients => f.write_str("the key is for clients: they ask for flags and no more"),
            Refusal::Early => f.write_str("there are no flags yet: come back later"),
            Refusal::Ticket => {
                f.write_str("the address of the event stream is too old: evaluate all flags for a new one")
            }
            Refusal::Selector(bad) => bad.fmt(f),
            Refusal::NoJson(why) => write!(f, "the body is no JSON: {why}"),
            Refusal::Context(why) => f.write_str(why),
            Refusal::Large(why) => why.fmt(f),
            Refusal::Key => f.write_str("no flag has such a key"),
            Refusal::TooLarge(most) => write!(f, "the body is longer than {most} bytes"),
            Refusal::Slow => f.write_str("the body did not come in time"),
            Refusal::Broken => f.write_str("the body broke off"),
            Refusal::Crowded => f.write_str("there are too many event streams: come back later"),
            Refusal::Full => f.write_str("too much is asked and not read yet: come back later"),
        }
    }
}
