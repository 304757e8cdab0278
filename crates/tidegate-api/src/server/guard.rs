//! Who may ask: a token over TCP, the same user or root over the unix socket; and no web page of another site.
//!
//! A browser on this machine can be made to send requests here by any page (DNS rebinding: the page's own host name then
//! leads to 127.0.0.1). So over TCP the `Host`, and the `Origin` where there is one, must name this machine.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tidegate_control::RefusalKind;
use tidegate_core::access::{Caller, Origin, Who};
use tidegate_os::process::own_user;

use super::Shared;
use super::problem::Refused;
use crate::token::Token;

/// Who is at the other end of a connection. In the extensions of each of its requests.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// Anyone who can reach the address: the hosts it goes by, and where they are.
    Tcp(Arc<Hosts>, IpAddr),
    /// A process of this user.
    Unix {
        /// The user's number.
        uid: u32,
    },
}

/// The host names a TCP listener goes by.
#[derive(Debug)]
pub(crate) struct Hosts {
    listens_on: IpAddr,
}

impl Hosts {
    /// Those of a listener's address.
    pub(crate) fn of(address: SocketAddr) -> Self {
        Hosts { listens_on: address.ip() }
    }

    /// Whether a `Host` header (with or without a port) names this machine. Addresses cannot be rebound, names can.
    fn allow(&self, host: &str) -> bool {
        let name = without_port(host);
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip == self.listens_on || self.listens_on.is_unspecified(),
            Err(_) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    fn allow_origin(&self, origin: &str) -> bool {
        origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"))
            .is_some_and(|host| self.allow(host))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => host,
    }
}

/// Over all routes: refuses requests that a page of another site can cause.
pub(super) async fn same_site(request: Request, next: Next) -> Result<Response, Refused> {
    if let Some(Peer::Tcp(hosts, _)) = request.extensions().get::<Peer>() {
        let headers = request.headers();
        let host = only(headers, header::HOST);
        if !host.is_some_and(|host| hosts.allow(host)) {
            return Err(foreign("Host"));
        }
        if headers.contains_key(header::ORIGIN)
            && !only(headers, header::ORIGIN).is_some_and(|o| hosts.allow_origin(o))
        {
            return Err(foreign("Origin"));
        }
    }
    Ok(next.run(request).await)
}

/// Over every route but the open ones: asks for the token or for the right user.
pub(super) async fn authorized(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let caller = caller_of(&shared, &request).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Who asks: the owner, or somebody whose bearer's text is known. What it needs of the request is taken from it at once.
pub(super) fn caller_of(
    shared: &Shared,
    request: &Request,
) -> impl Future<Output = Result<Caller, Refused>> + Send + use<> {
    let owner = is_owner(shared, request);
    let from = match request.extensions().get::<Peer>() {
        Some(Peer::Tcp(_, address)) => Some(Origin::Address(*address)),
        Some(Peer::Unix { .. }) | None => None,
    };
    let text = bearer(request.headers()).map(str::to_owned);
    let asked = shared.callers.clone().zip(text).zip(from);
    async move {
        match (owner, asked) {
            (Err(refused), Some(((callers, text), from))) => {
                let who = tokio::task::spawn_blocking(move || (callers.0)(&text)).await;
                who.ok().flatten().map(|who| Caller { who, from }).ok_or(refused)
            }
            (owner, _) => owner,
        }
    }
}

/// Refuses all but whoever owns this Tidegate.
pub(super) fn is_owner(shared: &Shared, request: &Request) -> Result<Caller, Refused> {
    match request.extensions().get::<Peer>() {
        Some(Peer::Tcp(_, address)) if bearer_is(request.headers(), &shared.token) => {
            Ok(Caller { who: Who::Owner, from: Origin::Address(*address) })
        }
        Some(Peer::Unix { uid }) if *uid == 0 || *uid == own_user().uid => Ok(Caller::owner(*uid)),
        Some(Peer::Unix { .. }) => Err(other_user()),
        Some(Peer::Tcp(..)) | None => Err(no_token()),
    }
}

fn bearer_is(headers: &HeaderMap, token: &Token) -> bool {
    bearer(headers).is_some_and(|given| token.matches(given))
}

/// What is sent as a bearer's token.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, given) = only(headers, header::AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| given.trim())
}

/// The header's value where it is there exactly once: two of them could be read differently by two readers.
pub(super) fn only(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn foreign(header: &str) -> Refused {
    let message = format!("the request's {header} header does not name this machine");
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Invalid, "api::foreign-host", message)
        .help("use http://127.0.0.1 or http://localhost with the port of the API")
}

fn other_user() -> Refused {
    let message = "the socket is open to the user who runs Tidegate, and to root";
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Environment, "api::other-user", message)
        .help("use the API's address with TIDEGATE_TOKEN")
}

fn no_token() -> Refused {
    let message = "the token is missing or wrong";
    Refused::at(StatusCode::UNAUTHORIZED, RefusalKind::Environment, "api::unauthorized", message)
        .help("set TIDEGATE_TOKEN to the text in the file `token` of the data directory of `tidegate up`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_allowed() {
        let hosts = Hosts::of("127.0.0.1:7070".parse().unwrap());
        for good in
            ["localhost", "LOCALHOST:7070", "127.0.0.1", "127.0.0.1:80", "127.0.0.2:1", "[::1]:7070", "::1"]
        {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in [
            "",
            "evil.example",
            "evil.example:7070",
            "localhost.evil.example",
            "192.0.2.1",
            "127.0.0.1.evil",
            "[",
        ] {
            assert!(!hosts.allow(bad), "{bad}");
        }
        assert!(hosts.allow_origin("http://localhost:3000"));
        for bad in ["null", "http://evil.example", "file://", "http://"] {
            assert!(!hosts.allow_origin(bad), "{bad}");
        }
    }

    #[test]
    fn a_listener_on_every_address_takes_addresses_but_no_names() {
        let hosts = Hosts::of("0.0.0.0:7070".parse().unwrap());
        assert!(hosts.allow("192.0.2.1:7070"));
        assert!(!hosts.allow("evil.example:7070"));
    }
}
