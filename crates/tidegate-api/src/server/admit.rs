//! From what a request shows to who asks: the unix socket's own user, the token of the data directory, tokens,
//! and sessions of browsers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use tidegate_control::identity::Identity;
use tidegate_control::{Refusal, RefusalKind};
use tidegate_core::access::{Admission, Means, NotLetIn, Origin};
use tidegate_os::process::own_user;
use tokio::time::Instant;

use super::Shared;
use super::cookie;
use super::guard::{Peer, bearer, only, other_user, unauthorized};
use super::hook::caller;
use super::problem::Refused;
use super::server_key;
use crate::token::Token;

/// What a request of a session that changes something sends besides.
pub(super) const CSRF: &str = "x-tidegate-csrf";
/// The longest text that is looked for.
const LONGEST: usize = 256;

/// Who decides who is let in.
#[derive(Clone)]
pub struct IdentityDesk(pub Arc<dyn Identity>);

impl std::fmt::Debug for IdentityDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityDesk").finish_non_exhaustive()
    }
}

/// What a request shows of who sends it.
pub(super) enum Shown {
    /// It is the owner's.
    Owner(Admission),
    /// A token.
    Token { text: String, from: IpAddr, counted: Option<IpAddr> },
    /// A session, with what goes with what changes something.
    Session { text: String, csrf: Option<String>, from: IpAddr, counted: Option<IpAddr> },
}

/// What a request shows.
///
/// # Errors
/// It shows nothing, or comes from where too much was guessed.
pub(super) fn shown(shared: &Shared, request: &Request) -> Result<Shown, Refused> {
    match request.extensions().get::<Peer>() {
        Some(Peer::Unix { uid }) if *uid == 0 || *uid == own_user().uid => {
            Ok(Shown::Owner(Admission::owner(Origin::Socket { uid: *uid }, Means::Socket)))
        }
        Some(Peer::Unix { .. }) => Err(other_user()),
        Some(peer @ Peer::Tcp(_, from)) => shown_over_tcp(shared, peer, *from, request.headers()),
        None => Err(unauthorized()),
    }
}

fn shown_over_tcp(shared: &Shared, peer: &Peer, from: IpAddr, headers: &HeaderMap) -> Result<Shown, Refused> {
    let counted = caller::of(peer, headers);
    if headers.contains_key(axum::http::header::AUTHORIZATION) {
        let text = bearer(headers).filter(|text| !text.is_empty()).ok_or_else(unauthorized)?;
        shared.attempts.may(counted, Instant::now()).map_err(guessing)?;
        if shared.token.matches(text) {
            return Ok(Shown::Owner(Admission::owner(Origin::Address(from), Means::OwnerToken)));
        }
        if text.starts_with(server_key::PREFIX) {
            // Looked for where it may be of use, and counted there.
            return Err(unauthorized());
        }
        return Ok(Shown::Token { text: text.to_owned(), from, counted });
    }
    let text = cookie::session(peer, headers).ok_or_else(unauthorized)?;
    shared.attempts.may(counted, Instant::now()).map_err(guessing)?;
    let csrf = only(headers, axum::http::HeaderName::from_static(CSRF)).map(str::to_owned);
    Ok(Shown::Session { text, csrf, from, counted })
}

/// Who asks. `reads`: the method changes nothing, so that a session needs no more. What they may is decided by [`super::access`].
///
/// # Errors
/// They are not let in.
pub(super) async fn admission(shared: &Shared, shown: Shown, reads: bool) -> Result<Admission, Refused> {
    match shown {
        Shown::Owner(admission) => Ok(admission),
        Shown::Token { text, from, counted } => {
            by_token(shared, text, (from, counted)).await?.map_err(not_let_in)
        }
        Shown::Session { text, csrf, from, counted } => {
            if text.len() > LONGEST {
                return Err(unauthorized());
            }
            let Some(desk) = &shared.identity else { return Err(unauthorized()) };
            let expected = Token::new(desk.0.csrf(&text));
            let found = ask_desk(shared, move |desk| desk.session(&text, from)).await?;
            let admission = counted_where_wrong(shared, counted, found).map_err(not_let_in)?;
            let proved = csrf.is_some_and(|given| expected.matches(&given));
            if reads || proved { Ok(admission) } else { Err(no_csrf()) }
        }
    }
}

/// Who shows a token. A wrong one is counted.
pub(super) async fn by_token(
    shared: &Shared,
    text: String,
    (from, counted): (IpAddr, Option<IpAddr>),
) -> Result<Result<Admission, NotLetIn>, Refused> {
    if shared.identity.is_none() || text.len() > LONGEST {
        return Ok(counted_where_wrong(shared, counted, Err(NotLetIn::Unknown)));
    }
    let found = ask_desk(shared, move |desk| desk.token(&text, from)).await?;
    Ok(counted_where_wrong(shared, counted, found))
}

/// Counts what nobody knows. Who showed something right that is over has guessed nothing.
pub(super) fn counted_where_wrong<T>(
    shared: &Shared,
    counted: Option<IpAddr>,
    found: Result<T, NotLetIn>,
) -> Result<T, NotLetIn> {
    if matches!(found, Err(NotLetIn::Unknown)) {
        shared.attempts.wrong(counted, Instant::now());
    }
    found
}

/// Asks who decides about identities, on the blocking pool.
pub(super) async fn ask_desk<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn Identity) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refused> {
    let desk = shared.identity.as_ref().ok_or_else(not_served)?.clone();
    match tokio::task::spawn_blocking(move || call(&*desk.0)).await {
        Ok(answer) => Ok(answer?),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

/// Why somebody is not let in, with a code each.
pub(super) fn not_let_in(why: NotLetIn) -> Refused {
    let (code, help) = match why {
        NotLetIn::Unknown => return unauthorized(),
        NotLetIn::Expired => {
            ("access::expired-token", "make another: `tidegate login`, or `tidegate token create NAME`")
        }
        NotLetIn::Revoked => ("access::revoked-token", "log in again: `tidegate login`"),
        NotLetIn::Disabled => ("access::disabled-user", "ask an administrator: `tidegate user enable NAME`"),
        NotLetIn::SessionOver => ("access::expired-session", "log in again"),
        NotLetIn::CodeExpired => ("access::expired-code", "ask for another: `tidegate user invite NAME`"),
    };
    Refused::at(StatusCode::UNAUTHORIZED, RefusalKind::Environment, code, why.to_string()).help(help)
}

/// Too much was guessed.
pub(super) fn guessing(wait_s: u64) -> Refused {
    let message = format!("too many wrong tokens came from there; wait {wait_s} s");
    Refused::at(StatusCode::TOO_MANY_REQUESTS, RefusalKind::Environment, "access::guessing", message)
        .help("wait, and look at the token; over the unix socket nobody waits")
        .retry_after(u32::try_from(wait_s).unwrap_or(u32::MAX))
}

fn no_csrf() -> Refused {
    let message = format!("a session that changes something sends the header {CSRF}");
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Invalid, "access::csrf", message)
        .help("`/v1/whoami` says what it is to hold")
}

fn not_served() -> Refused {
    let message = "this Tidegate keeps no users";
    Refused::at(StatusCode::NOT_FOUND, RefusalKind::NotFound, "access::not-served", message)
        .help("use the unix socket, or the token of the data directory")
}
