//! From where a webhook, or a token, comes: to know who guesses.

use std::net::{IpAddr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName};

use crate::server::guard::Peer;

/// The address; `None`: over the unix socket. Behind a proxy of this machine it is what the proxy added last to `X-Forwarded-For`:
/// what stands before that is anybody's to write. Of IPv6 the network counts: a machine has as many addresses in it as it likes.
pub(in crate::server) fn of(peer: &Peer, headers: &HeaderMap) -> Option<IpAddr> {
    let Peer::Tcp(_, from) = peer else { return None };
    let forwarded = if from.is_loopback() { last_forwarded(headers) } else { None };
    Some(network(forwarded.unwrap_or(*from)))
}

/// For the timeline.
pub(super) fn said(caller: Option<IpAddr>) -> String {
    caller.map_or_else(|| "this machine".to_owned(), |address| address.to_string())
}

fn last_forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let name = HeaderName::from_static("x-forwarded-for");
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::server::guard::Hosts;

    fn caller(from: &str, forwarded: &[&str]) -> Option<IpAddr> {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let hosts = Arc::new(Hosts::of("127.0.0.1:7070".parse().unwrap()));
        of(&Peer::Tcp(hosts, from.parse().unwrap()), &headers)
    }

    #[test]
    fn only_what_a_proxy_of_this_machine_added_last_counts() {
        let is = |address: &str| Some(address.parse().unwrap());
        assert_eq!(caller("192.0.2.7", &["198.51.100.1"]), is("192.0.2.7"));
        assert_eq!(caller("127.0.0.1", &[]), is("127.0.0.1"));
        assert_eq!(caller("127.0.0.1", &["10.0.0.1", "10.0.0.2, 198.51.100.1"]), is("198.51.100.1"));
        assert_eq!(caller("127.0.0.1", &["nonsense"]), is("127.0.0.1"));
        assert_eq!(caller("2001:db8:1:2:3:4:5:6", &[]), is("2001:db8:1:2::"));
        assert_eq!(caller("::ffff:192.0.2.7", &[]), is("192.0.2.7"));
        assert_eq!(of(&Peer::Unix { uid: 0 }, &HeaderMap::new()), None);
    }
}
