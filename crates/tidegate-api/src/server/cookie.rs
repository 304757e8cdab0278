//! The cookie of a session: for this host alone, unseen by scripts, sent by its own pages alone.

use axum::http::{HeaderMap, HeaderValue, header};
use tidegate_core::access::SESSION_LASTS;

use super::guard::Peer;

/// Over TLS; the browser itself sees to it that no other host sets it.
const SECURE: &str = "__Host-tidegate-session";
/// Over plain HTTP, which is for this machine.
const PLAIN: &str = "tidegate-session";
/// The same of a login that was begun at an identity provider.
const LOGIN_SECURE: &str = "__Host-tidegate-login";
const LOGIN_PLAIN: &str = "tidegate-login";
/// How long that is kept, in seconds.
const LOGIN_SECONDS: u64 = 15 * 60;
/// The longest value that is looked for.
const LONGEST: usize = 256;

/// What opens a session, where the request has the cookie exactly once.
pub(super) fn session(peer: &Peer, headers: &HeaderMap) -> Option<String> {
    value_of(name(peer)?, headers)
}

fn value_of(wanted: &str, headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines.flat_map(|line| line.split(';')).filter_map(|one| {
        let (name, value) = one.trim().split_once('=')?;
        (name == wanted).then_some(value)
    });
    let value = found.next()?;
    (found.next().is_none() && value.len() <= LONGEST).then(|| value.to_owned())
}

/// Has the browser keep it.
pub(super) fn kept(peer: &Peer, session: &str) -> Option<HeaderValue> {
    set(peer, session, SESSION_LASTS.0 / 1_000)
}

/// Has the browser forget it.
pub(super) fn forgotten(peer: &Peer) -> Option<HeaderValue> {
    set(peer, "", 0)
}

/// By which a login at an identity provider is known again.
pub(super) fn login(peer: &Peer, headers: &HeaderMap) -> Option<String> {
    value_of(login_name(peer)?, headers)
}

/// Has the browser keep it until it comes back from there.
pub(super) fn login_kept(peer: &Peer, login: &str) -> Option<HeaderValue> {
    login_set(peer, login, LOGIN_SECONDS)
}

/// Has the browser forget it.
pub(super) fn login_forgotten(peer: &Peer) -> Option<HeaderValue> {
    login_set(peer, "", 0)
}

/// Sent with the request by which the provider has the browser come back, unlike that of a session.
fn login_set(peer: &Peer, value: &str, seconds: u64) -> Option<HeaderValue> {
    cookie(login_name(peer)?, value, (seconds, "Lax"))
}

fn set(peer: &Peer, value: &str, seconds: u64) -> Option<HeaderValue> {
    cookie(name(peer)?, value, (seconds, "Strict"))
}

fn cookie(name: &str, value: &str, (seconds, same_site): (u64, &str)) -> Option<HeaderValue> {
    let secure = if name.starts_with("__Host-") { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={same_site}{secure}");
    HeaderValue::from_str(&text).ok()
}

/// None over the unix socket, where no browser is.
fn name(peer: &Peer) -> Option<&'static str> {
    match peer {
        Peer::Tcp(hosts, _) if hosts.tls() => Some(SECURE),
        Peer::Tcp(..) => Some(PLAIN),
        Peer::Unix { .. } => None,
    }
}

/// None over the unix socket, as well.
fn login_name(peer: &Peer) -> Option<&'static str> {
    name(peer).map(|name| if name == SECURE { LOGIN_SECURE } else { LOGIN_PLAIN })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::server::guard::Hosts;

    fn peer(tls: bool) -> Peer {
        let hosts = Hosts::of("127.0.0.1:7070".parse().unwrap()).with(Vec::new(), tls);
        Peer::Tcp(Arc::new(hosts), [127, 0, 0, 1].into())
    }

    fn read(peer: &Peer, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        session(peer, &headers)
    }

    #[test]
    fn a_cookie_of_another_transport_or_a_second_one_is_none() {
        let (plain, tls) = (peer(false), peer(true));
        assert_eq!(read(&plain, &["a=b; tidegate-session=x"]).as_deref(), Some("x"));
        assert_eq!(read(&tls, &["__Host-tidegate-session=x"]).as_deref(), Some("x"));
        assert_eq!(read(&tls, &["tidegate-session=x"]), None, "anybody on the way could have set it");
        assert_eq!(read(&plain, &["tidegate-session=x; tidegate-session=y"]), None);
        assert_eq!(read(&plain, &["tidegate-session=x", "tidegate-session=y"]), None);
        assert_eq!(read(&Peer::Unix { uid: 0 }, &["tidegate-session=x"]), None);
    }

    #[test]
    fn scripts_and_other_sites_do_not_get_it() {
        let kept = kept(&peer(true), "x").unwrap();
        let kept = kept.to_str().unwrap();
        for part in ["__Host-tidegate-session=x;", "Path=/", "HttpOnly", "SameSite=Strict", "Secure"] {
            assert!(kept.contains(part), "{kept}");
        }
        assert!(forgotten(&peer(false)).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }
}
