//! What routing, arms, balancing and policies may know of a request, whichever way it came in. A table without rules asks
//! for nothing but host and path.

use std::net::{IpAddr, SocketAddr};

/// Who is at the other end of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The client's address; with the PROXY protocol the one that the proxy told.
    pub(crate) address: SocketAddr,
    /// Whether the client came with TLS.
    pub(crate) secure: bool,
}

/// A request's head as the gateway received it.
pub(crate) trait RequestView {
    /// As sent: upper-case.
    fn method(&self) -> &str;
    /// The name as [`crate::route::host_name`] spells it.
    fn host(&self) -> &str;
    /// Without the query.
    fn path(&self) -> &str;
    /// Without its `?`.
    fn query(&self) -> Option<&str>;
    /// The first field of this name (lower-case).
    fn field(&self, name: &str) -> Option<&[u8]>;
    /// Who asks.
    fn peer(&self) -> Peer;

    /// The value of a cookie, as it stands in the first `Cookie` field that has it.
    fn cookie(&self, name: &str) -> Option<&[u8]> {
        let pairs = self.field("cookie")?.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        pairs.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")).next()
    }

    /// The client's address.
    fn client(&self) -> IpAddr {
        self.peer().address.ip()
    }
}

/// A request as hyper parsed it, with its host already spelled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartsView<'a> {
    pub(crate) parts: &'a http::request::Parts,
    pub(crate) host: &'a str,
    pub(crate) peer: Peer,
}

impl RequestView for PartsView<'_> {
    fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    fn host(&self) -> &str {
        self.host
    }

    fn path(&self) -> &str {
        self.parts.uri.path()
    }

    fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    fn field(&self, name: &str) -> Option<&[u8]> {
        self.parts.headers.get(name).map(http::HeaderValue::as_bytes)
    }

    fn peer(&self) -> Peer {
        self.peer
    }
}
