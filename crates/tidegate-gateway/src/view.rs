//! What routing, arms, balancing and policies may know of a request, whichever way it came in. A table without rules asks
//! for nothing but host and path.

use std::net::{IpAddr, SocketAddr};

/// Who is at the other end of a client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The client's address; with the PROXY protocol the one that the proxy told.
    pub(crate) address: SocketAddr,
    /// Whether the client came with TLS, here or to the proxy that says so.
    pub(crate) secure: bool,
    /// The version of TLS, where it is known.
    pub(crate) tls: Option<TlsVersion>,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    V12,
    V13,
}

impl TlsVersion {
    /// As the log calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            TlsVersion::V12 => "1.2",
            TlsVersion::V13 => "1.3",
        }
    }
}

impl Peer {
    /// Without TLS.
    pub(crate) const fn plain(address: SocketAddr) -> Self {
        Peer { address, secure: false, tls: None }
    }
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

    /// The value of a cookie, as it stands in the first `Cookie` field. A view that knows of several looks at them all:
    /// HTTP/2 clients send each cookie in a field of its own.
    fn cookie(&self, name: &str) -> Option<&[u8]> {
        cookie_in(self.field("cookie")?, name)
    }

    /// The client's address.
    fn client(&self) -> IpAddr {
        self.peer().address.ip()
    }
}

/// The value of a cookie in one `Cookie` field.
pub(crate) fn cookie_in<'a>(field: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let mut pairs = field.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    pairs.find_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
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

    fn cookie(&self, name: &str) -> Option<&[u8]> {
        let fields = self.parts.headers.get_all(http::header::COOKIE);
        fields.into_iter().find_map(|field| cookie_in(field.as_bytes(), name))
    }
}

#[cfg(test)]
pub(crate) mod fake {
    //! A request for tests.

    use super::{Peer, RequestView};

    /// Nothing but what the test says.
    #[derive(Clone, Debug)]
    pub(crate) struct Asked {
        target: String,
        fields: Vec<(String, String)>,
        peer: Peer,
    }

    impl Asked {
        pub(crate) fn get(target: &str) -> Self {
            let peer = Peer::plain(([127, 0, 0, 1], 1).into());
            Asked { target: target.to_owned(), fields: Vec::new(), peer }
        }

        pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
            self.fields.push((name.to_owned(), value.to_owned()));
            self
        }

        pub(crate) fn from(mut self, address: &str) -> Self {
            self.peer.address = address.parse().unwrap();
            self
        }

        pub(crate) fn secure(mut self) -> Self {
            self.peer.secure = true;
            self
        }
    }

    impl RequestView for Asked {
        fn method(&self) -> &str {
            "GET"
        }

        fn host(&self) -> &str {
            "a"
        }

        fn path(&self) -> &str {
            self.target.split('?').next().unwrap_or_default()
        }

        fn query(&self) -> Option<&str> {
            self.target.split_once('?').map(|(_, query)| query)
        }

        fn field(&self, name: &str) -> Option<&[u8]> {
            let named = |(other, _): &&(String, String)| other == name;
            self.fields.iter().find(named).map(|(_, value)| value.as_bytes())
        }

        fn peer(&self) -> Peer {
            self.peer
        }
    }
}
