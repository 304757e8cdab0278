//! Where the load goes: an `http://` URL taken apart and resolved once.

use std::net::{SocketAddr, ToSocketAddrs};

/// A resolved URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Where connections are made to.
    pub address: SocketAddr,
    /// The `Host` header.
    pub host: String,
    /// Path and query of ordinary requests.
    pub path: String,
}

/// Why a URL cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// Not `http://HOST[:PORT][/PATH]`.
    #[error("`{0}` is not a URL like http://127.0.0.1:8080/path (https is not spoken here)")]
    Shape(String),
    /// The name has no address.
    #[error("cannot resolve `{name}`")]
    Resolve {
        /// The name and port.
        name: String,
        /// What the resolver said.
        #[source]
        source: std::io::Error,
    },
}

impl Target {
    /// Takes `url` apart and resolves its host; `host` replaces the `Host` header.
    pub fn resolve(url: &str, host: Option<&str>) -> Result<Self, TargetError> {
        let shape = || TargetError::Shape(url.to_owned());
        let rest = url.strip_prefix("http://").ok_or_else(shape)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let path = if path.is_empty() { "/" } else { path };
        let broken = |text: &str| text.bytes().any(|b| b.is_ascii_control() || b == b' ');
        if authority.is_empty() || broken(url) || host.is_some_and(broken) {
            return Err(shape());
        }
        let has_port = authority.rsplit(':').next().is_some_and(|p| p.parse::<u16>().is_ok());
        let name = if has_port { authority.to_owned() } else { format!("{authority}:80") };
        let resolve = |source| TargetError::Resolve { name: name.clone(), source };
        let address = name.to_socket_addrs().map_err(resolve)?.next().ok_or_else(shape)?;
        Ok(Target { address, host: host.unwrap_or(authority).to_owned(), path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_gives_address_host_and_path() {
        let target = Target::resolve("http://127.0.0.1:8080/a?b=c", Some("web.localhost")).unwrap();
        assert_eq!(target.address.to_string(), "127.0.0.1:8080");
        assert_eq!((target.host.as_str(), target.path.as_str()), ("web.localhost", "/a?b=c"));
        let target = Target::resolve("http://[::1]:81", None).unwrap();
        assert_eq!((target.address.to_string().as_str(), target.path.as_str()), ("[::1]:81", "/"));
        assert_eq!(Target::resolve("http://127.0.0.1", None).unwrap().address.port(), 80);
    }

    #[test]
    fn what_is_not_a_plain_url_is_refused() {
        for bad in ["https://x/", "127.0.0.1:80", "http://", "http:///x", "http://127.0.0.1/a b"] {
            assert!(Target::resolve(bad, None).is_err(), "{bad}");
        }
        assert!(Target::resolve("http://127.0.0.1/", Some("a\r\nb: c")).is_err());
    }
}
