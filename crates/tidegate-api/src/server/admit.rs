//! From what a request shows to who asks, and whether they may: the unix socket's own user, the token of the data directory, tokens,
//! and sessions of browsers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method, StatusCode};
use tidegate_control::identity::Identity;
use tidegate_control::{Refusal, RefusalKind};
use tidegate_core::access::{Admission, Doing, Means, NotLetIn, Origin, may};
use tidegate_os::process::own_user;
use tokio::time::Instant;

use super::Shared;
use super::cookie;
use super::endpoints::Facts;
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

/// What a request asks for, as far as the way in has to know.
pub(super) struct Wanted {
    doing: Doing,
    /// Whether the method changes nothing: a session needs no more for it.
    reads: bool,
    /// The app and environment it says it is about; `None`: it says nothing that can be relied on.
    place: Option<(Option<String>, Option<String>)>,
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

impl Wanted {
    /// Of a request to an endpoint of the table.
    pub(super) fn of(facts: &Facts, request: &Request) -> Self {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str).unwrap_or_default();
        let doing = match (facts.is_own(request.method(), path), reads) {
            (true, _) => Doing::Own,
            (false, true) => Doing::Look,
            (false, false) => Doing::Change,
        };
        let query = request.uri().query().unwrap_or_default();
        let place = facts.takes_scope(request.method(), path).then(|| place(query)).flatten();
        Wanted { doing, reads, place }
    }
}

/// The app and environment of a query string. Where it names something else besides, that could be anywhere.
fn place(query: &str) -> Option<(Option<String>, Option<String>)> {
    let (mut app, mut environment) = (None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let slot = match &*name {
            "app" => &mut app,
            "environment" => &mut environment,
            "unit" | "rollout" | "cursor" => return None,
            _ => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return None;
        }
    }
    Some((app, environment))
}

/// Who asks. What they may is decided by [`allowed`].
///
/// # Errors
/// They are not let in.
pub(super) async fn admission(shared: &Shared, shown: Shown, wanted: &Wanted) -> Result<Admission, Refused> {
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
            if wanted.reads || proved { Ok(admission) } else { Err(no_csrf()) }
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

/// Whether who was let in may do what they want.
pub(super) fn allowed(admission: &Admission, wanted: &Wanted) -> Result<(), Refused> {
    if !may(admission, wanted.doing) {
        return Err(not_allowed(admission));
    }
    let reach = &admission.reach;
    let within = match &wanted.place {
        Some((app, environment)) => reach.covers(app.as_deref(), environment.as_deref()),
        None => reach.is_everywhere(),
    };
    if within || wanted.doing == Doing::Own { Ok(()) } else { Err(out_of_reach(admission)) }
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

fn not_allowed(admission: &Admission) -> Refused {
    let message = format!("{} may look, and change nothing", admission.caller.who);
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Invalid, "access::not-allowed", message)
        .help("ask an administrator; `tidegate whoami` says who you are")
}

fn out_of_reach(admission: &Admission) -> Refused {
    let message = format!("the token is for {}, and that is not what is asked about", admission.reach);
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Invalid, "access::out-of-reach", message)
        .help("say --app and -e, or use another token; `tidegate whoami` says what yours is for")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_query_says_once_is_relied_on() {
        let said = |query: &str| place(query);
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(said(""), Some((None, None)));
        assert_eq!(said("app=shop&follow=true"), Some((some("shop"), None)));
        assert_eq!(said("environment=qa&app=shop"), Some((some("shop"), some("qa"))));
        assert_eq!(said("%61pp=shop"), Some((some("shop"), None)));
        for bad in ["app=shop&app=blog", "app=shop&unit=blog-1", "app=shop&rollout=7", "app=shop&cursor=x"] {
            assert_eq!(said(bad), None, "{bad}");
        }
    }
}
