//! A connection to a server, for one request.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::ClientError;
use super::trust::Trust;

/// For a connection to be there.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const DEFAULT_PORT: u16 = 7070;
/// As everywhere: a server with a certificate stands in the open, behind whatever.
const DEFAULT_TLS_PORT: u16 = 443;

/// Where a server listens.
#[derive(Clone, Debug)]
pub(super) enum Address {
    /// A unix socket.
    Unix(PathBuf),
    /// A host and a port.
    Tcp { host: String, port: u16, tls: Option<Trust> },
}

/// Whether TLS is spoken at an address, its host and its port.
pub(super) fn parts(url: &str) -> Result<(bool, String, u16), ClientError> {
    let bad = || ClientError::Address(url.to_owned());
    let (rest, secure) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return Err(bad()),
    };
    let rest = rest.trim_end_matches('/');
    let authority: http::uri::Authority = rest.parse().map_err(|_| bad())?;
    if authority.host().is_empty() || rest.contains('@') {
        return Err(bad());
    }
    let port = authority.port_u16().unwrap_or(if secure { DEFAULT_TLS_PORT } else { DEFAULT_PORT });
    Ok((secure, authority.host().to_ascii_lowercase(), port))
}

impl Address {
    /// Reads `http[s]://HOST[:PORT][/]`. `ca`: a file with the authorities to believe instead of the system's.
    pub(super) fn parse(url: &str, ca: Option<&Path>) -> Result<Self, ClientError> {
        let (secure, host, port) = parts(url)?;
        let tls = secure.then(|| Trust::of(ca)).transpose()?;
        Ok(Address::Tcp { host, port, tls })
    }

    /// The `Host` header.
    pub(super) fn host(&self) -> String {
        match self {
            Address::Unix(_) => "localhost".to_owned(),
            Address::Tcp { host, port, .. } => format!("{host}:{port}"),
        }
    }

    /// Connects. The connection is driven by a task of its own until the request is over.
    pub(super) async fn connect<B>(&self) -> Result<http1::SendRequest<B>, ClientError>
    where
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let unreachable = |source| ClientError::Unreachable { address: self.to_string(), source };
        let opened = tokio::time::timeout(CONNECT_WITHIN, self.open()).await;
        let stream = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(unreachable)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|e| self.broken(&e))?;
        tokio::spawn(connection);
        Ok(sender)
    }

    async fn open(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Address::Unix(path) => {
                let stream = tidegate_os::socket::connect(path)?;
                stream.set_nonblocking(true)?;
                Ok(Box::new(UnixStream::from_std(stream)?))
            }
            Address::Tcp { host, port, tls } => {
                let literal = host.trim_start_matches('[').trim_end_matches(']');
                let stream = match literal.parse::<IpAddr>() {
                    Ok(ip) => TcpStream::connect((ip, *port)).await?,
                    Err(_) => TcpStream::connect((host.as_str(), *port)).await?,
                };
                stream.set_nodelay(true)?;
                match tls {
                    None => Ok(Box::new(stream)),
                    Some(trust) => Ok(Box::new(trust.connect(literal, stream).await?)),
                }
            }
        }
    }

    /// A connection that broke.
    pub(super) fn broken(&self, error: &hyper::Error) -> ClientError {
        ClientError::Broken { address: self.to_string(), reason: error.to_string() }
    }

    /// An answer that is not understood.
    pub(super) fn strange(&self, reason: impl fmt::Display) -> ClientError {
        ClientError::Strange { address: self.to_string(), reason: reason.to_string() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Unix(path) => path.display().fmt(f),
            Address::Tcp { host, port, tls: None } => write!(f, "http://{host}:{port}"),
            Address::Tcp { host, port, tls: Some(_) } => write!(f, "https://{host}:{port}"),
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What the server sends back.
pub(super) type Answer = http::Response<Incoming>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_with_a_host() {
        for (text, host) in [
            ("http://127.0.0.1:7070", "127.0.0.1:7070"),
            ("http://localhost/", "localhost:7070"),
            ("http://[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(Address::parse(text, None).unwrap().host(), host);
        }
        for bad in [
            "",
            "127.0.0.1:7070",
            "https://",
            "ftp://localhost",
            "http://",
            "http://a b",
            "http://u:p@h:1",
            "http://h/x",
        ] {
            assert!(Address::parse(bad, None).is_err(), "{bad}");
        }
    }
}
