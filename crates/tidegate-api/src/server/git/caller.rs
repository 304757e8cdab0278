//! Who asks for a repository: the app's token, or one's own, as the password of Basic authentication, which is all that Git's clients
//! know.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tidegate_control::git::AccessKey;
use tidegate_core::access::{Admission, Caller, Means, NotLetIn, Origin};
use tidegate_core::model::Name;
use tokio::time::Instant;

use crate::server::Shared;
use crate::server::admit;
use crate::server::audit::RefusedAs;
use crate::server::guard::{Peer, only};
use crate::server::hook::caller;
use crate::server::problem::Refused;

/// Somebody who may push to an app and fetch from it.
pub(super) struct Admitted {
    /// The app.
    pub(super) app: Name,
    /// Who: as they call themselves where the token is the app's, as they are known where it is their own.
    pub(super) by: String,
    /// By what they were let in: whoever has the app's own token is sent by the owner, who gave it to them.
    pub(super) admission: Admission,
}

/// What a client shows.
pub(super) struct Claimed {
    app: Name,
    by: String,
    password: String,
}

/// Why a client is not served: a status and a line of text, which Git shows.
pub(super) struct Unserved {
    status: StatusCode,
    text: String,
    header: Option<(HeaderName, HeaderValue)>,
    /// For the audit log: how it is known there, and who was refused.
    told: Option<Box<(RefusedAs, Caller)>>,
}

/// A refusal without further headers.
pub(super) fn plain(status: StatusCode, text: impl Into<String>) -> Unserved {
    Unserved { status, text: text.into(), header: None, told: None }
}

impl Unserved {
    /// The same with a header.
    pub(super) fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Unserved { header: Some((name, value)), ..self }
    }

    /// The same, and what the audit log is told of it.
    pub(super) fn told(self, refused: RefusedAs, caller: Caller) -> Self {
        Unserved { told: Some(Box::new((refused, caller))), ..self }
    }
}

impl IntoResponse for Unserved {
    fn into_response(self) -> Response {
        let media = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut response = (self.status, media, self.text + "\n").into_response();
        response.headers_mut().extend(self.header);
        if let Some(told) = self.told {
            let (refused, caller) = *told;
            response.extensions_mut().insert(refused);
            response.extensions_mut().insert(caller);
        }
        response
    }
}

impl Claimed {
    /// What is shown for the repository of a path; the answer where it is nothing.
    pub(super) fn of(headers: &HeaderMap, repository: &str) -> Result<Self, Unserved> {
        let app = repository.strip_suffix(".git").unwrap_or(repository).parse::<Name>();
        let given = only(headers, header::AUTHORIZATION).and_then(basic);
        match (app, given) {
            (Ok(app), Some((by, password))) => Ok(Claimed { app, by, password }),
            (Ok(_), None) | (Err(_), _) => Err(no_token()),
        }
    }
}

/// Who asks; the answer where nobody knows them. What they may is asked afterwards. It is the same whether or not there is such an app.
pub(super) async fn admitted(
    shared: &Shared,
    key: &AccessKey,
    (peer, headers): (&Peer, &HeaderMap),
    asked: Claimed,
) -> Result<Admitted, Unserved> {
    let Claimed { app, by, password } = asked;
    let counted = caller::of(peer, headers);
    shared.attempts.may(counted, Instant::now()).map_err(guessing)?;
    let from = match peer {
        Peer::Tcp(_, from) => *from,
        Peer::Unix { .. } => IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    if key.opens(&app, &password) {
        let admission = Admission::owner(Origin::Address(from), Means::Key);
        return Ok(Admitted { app, by, admission });
    }
    let found = admit::by_token(shared, password, (from, counted)).await.map_err(unanswered)?;
    let admission = found.map_err(|why| match why {
        NotLetIn::Unknown => no_token(),
        NotLetIn::Expired
        | NotLetIn::Revoked
        | NotLetIn::Disabled
        | NotLetIn::SessionOver
        | NotLetIn::CodeExpired => {
            challenge(format!("{why}: make another with `tidegate token create NAME`"))
        }
    })?;
    Ok(Admitted { app, by: admission.signs(&by), admission })
}

fn unanswered(refused: Refused) -> Unserved {
    plain(StatusCode::SERVICE_UNAVAILABLE, refused.into_refusal().message)
}

fn guessing(wait_s: u64) -> Unserved {
    let text = format!("too many wrong tokens came from there; wait {wait_s} s");
    plain(StatusCode::TOO_MANY_REQUESTS, text).with(header::RETRY_AFTER, HeaderValue::from(wait_s))
}

/// The name and password of a Basic authorization.
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((printable(name), password.to_owned()))
}

/// On one short line, and somebody.
fn printable(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
    if name.is_empty() { "git".to_owned() } else { name }
}

fn no_token() -> Unserved {
    challenge(
        "the token is missing or wrong: use one of your own, or the address that `tidegate git url APP` prints",
    )
}

/// Has the client ask for another password.
fn challenge(text: impl Into<String>) -> Unserved {
    let challenge = HeaderValue::from_static("Basic realm=\"Tidegate\", charset=\"UTF-8\"");
    plain(StatusCode::UNAUTHORIZED, text).with(header::WWW_AUTHENTICATE, challenge)
}
