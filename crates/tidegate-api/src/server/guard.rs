//! Who may ask: a token or a session over TCP, the same user or root over the unix socket; and no web page of another site.
//!
//! A browser on this machine can be made to send requests here by any page (DNS rebinding: the page's own host name then
//! leads to 127.0.0.1). So over TCP the `Host`, and the `Origin` where there is one, must name this machine.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tidegate_control::RefusalKind;
use tidegate_core::access::Admission;

use super::Shared;
use super::admit;
use super::problem::Refused;

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

impl Peer {
    /// Where it is, if that is known by an address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Peer::Tcp(_, address) => Some(*address),
            Peer::Unix { .. } => None,
        }
    }
}

/// The host names a TCP listener goes by.
#[derive(Debug)]
pub(crate) struct Hosts {
    listens_on: IpAddr,
    /// Further names, as whoever started it said.
    names: Vec<String>,
    /// Whether it speaks TLS.
    tls: bool,
}

impl Hosts {
    /// Those of a listener's address.
    pub(crate) fn of(address: SocketAddr) -> Self {
        Hosts { listens_on: address.ip(), names: Vec::new(), tls: false }
    }

    /// The same with these names besides, and whether it speaks TLS.
    pub(crate) fn with(self, names: Vec<String>, tls: bool) -> Self {
        Hosts { names, tls, ..self }
    }

    /// Whether it speaks TLS.
    pub(crate) fn tls(&self) -> bool {
        self.tls
    }

    /// Whether a `Host` header (with or without a port) names this machine. Addresses cannot be rebound, names can.
    fn allow(&self, host: &str) -> bool {
        let name = without_port(host);
        let literal = name.trim_start_matches('[').trim_end_matches(']');
        match literal.parse::<IpAddr>() {
            Ok(ip) => ip.is_loopback() || ip == self.listens_on || self.listens_on.is_unspecified(),
            Err(_) => {
                name.eq_ignore_ascii_case("localhost")
                    || self.names.iter().any(|own| name.eq_ignore_ascii_case(own))
            }
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

/// Over every route but the open ones: lets in who shows who they are. What they may do is asked of the policies further in.
pub(super) async fn authorized(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Refused> {
    let admission = admitted(&shared, &request).await?;
    request.extensions_mut().insert(admission.caller.clone());
    request.extensions_mut().insert(admission);
    Ok(next.run(request).await)
}

/// Who sends a request. What it takes of the request is taken at once.
pub(super) fn admitted(
    shared: &Shared,
    request: &Request,
) -> impl Future<Output = Result<Admission, Refused>> + Send + use<> {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let (shown, shared) = (admit::shown(shared, request), shared.clone());
    async move { admit::admission(&shared, shown?, reads).await }
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
        .help("use http://127.0.0.1 or http://localhost with the port of the API, or start it with `--api-name` and that name")
}

pub(super) fn other_user() -> Refused {
    let message = "the socket is open to the user who runs Tidegate, and to root";
    Refused::at(StatusCode::FORBIDDEN, RefusalKind::Environment, "api::other-user", message)
        .help("use the API's address with TIDEGATE_TOKEN")
}

/// Nobody knows what a request shows, or it shows nothing.
pub(super) fn unauthorized() -> Refused {
    let message = "the token is missing or wrong";
    Refused::at(StatusCode::UNAUTHORIZED, RefusalKind::Environment, "api::unauthorized", message)
        .help("log in with `tidegate login URL`, or set TIDEGATE_TOKEN to a token, or to the text in the file `token` of the data directory of `tidegate up`")
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
    fn a_name_that_was_given_is_allowed_and_no_other() {
        let hosts = Hosts::of("0.0.0.0:7071".parse().unwrap()).with(vec!["td.example".to_owned()], true);
        assert!(hosts.allow("TD.example:7071") && hosts.allow_origin("https://td.example:7071"));
        assert!(!hosts.allow("x.td.example") && !hosts.allow("td.example.evil"));
    }

    #[test]
    fn a_listener_on_every_address_takes_addresses_but_no_names() {
        let hosts = Hosts::of("0.0.0.0:7070".parse().unwrap());
        assert!(hosts.allow("192.0.2.1:7070"));
        assert!(!hosts.allow("evil.example:7070"));
    }
}
