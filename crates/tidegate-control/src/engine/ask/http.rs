//! One `GET` or `POST` over HTTP/1.1: its own connection, no redirects, an end to its time and to what it reads.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::reply::{self, Fetched};
use super::timed::{Deadline, Timed};

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Get {
    /// An `http://` or `https://` URL.
    pub(crate) url: String,
    /// What to say who is asking by.
    pub(crate) bearer: Option<Bearer>,
    /// How long all of it may take, but for the name of the host.
    pub(crate) within: Duration,
}

/// What is sent.
pub(crate) struct Post<'a> {
    /// An `http://` or `https://` URL. In no message but by its host: it may be as good as a password.
    pub(crate) url: &'a str,
    /// What to say who is sending by.
    pub(crate) bearer: Option<Bearer>,
    /// The media type of the body.
    pub(crate) media: &'a str,
    /// The body.
    pub(crate) body: &'a [u8],
    /// How long all of it may take, but for the name of the host.
    pub(crate) within: Duration,
}

/// A token, or a name and a password, as the field `Authorization` has it; never shown.
pub(crate) struct Bearer(String);

impl Bearer {
    /// A token as a field can carry it. `None` where it cannot.
    pub(crate) fn new(token: &str) -> Option<Bearer> {
        let token = token.trim();
        let clean = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        clean.then(|| Bearer(format!("Bearer {token}")))
    }

    /// A name, without a colon in it, and a password.
    pub(crate) fn basic(name: &str, password: &str) -> Bearer {
        Bearer(format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// The parts of a URL.
struct Target<'u> {
    tls: bool,
    /// As the `Host` field has it, and as messages do.
    authority: &'u str,
    host: &'u str,
    port: u16,
    path: String,
}

/// Asks. `trust` says whom to believe where the URL says `https`.
pub(crate) fn get(
    question: &Get,
    trust: impl Fn() -> Result<Arc<ClientConfig>, String>,
) -> Result<Fetched, String> {
    ask(&question.url, question.within, trust, |target| head("GET", target, question.bearer.as_ref(), ""))
}

/// Sends. `trust` as for [`get`].
pub(crate) fn post(
    sent: &Post<'_>,
    trust: impl Fn() -> Result<Arc<ClientConfig>, String>,
) -> Result<Fetched, String> {
    let (media, length) = (sent.media, sent.body.len());
    let more = format!("Content-Type: {media}\r\nContent-Length: {length}\r\n");
    ask(sent.url, sent.within, trust, |target| {
        let mut message = head("POST", target, sent.bearer.as_ref(), &more);
        message.extend_from_slice(sent.body);
        message
    })
}

fn ask(
    url: &str,
    within: Duration,
    trust: impl Fn() -> Result<Arc<ClientConfig>, String>,
    message: impl FnOnce(&Target<'_>) -> Vec<u8>,
) -> Result<Fetched, String> {
    let target = Target::of(url)?;
    let config = if target.tls { Some(trust()?) } else { None };
    let addresses = addresses_of(target.host, target.port)?;
    // How long the name took is not ours to bound, and does not count.
    let deadline = Deadline::after(within);
    let message = message(&target);
    let asked = connect(&addresses, deadline).and_then(|stream| match config {
        None => exchange(Timed { stream, deadline }, &message),
        Some(config) => exchange(over_tls(config, target.host, Timed { stream, deadline })?, &message),
    });
    asked.map_err(|error| format!("{}: {}", target.authority, told(&error, within)))
}

/// Where a host is. In messages it stands with its port.
pub(crate) fn addresses_of(host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
    let found = (host, port).to_socket_addrs().map_err(|error| format!("{host}:{port}: {error}"))?;
    Ok(found.collect())
}

/// Why nothing came of it, in words.
pub(crate) fn told(error: &io::Error, within: Duration) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("no answer within {}", tidegate_core::time::Millis(within.as_millis() as u64))
        }
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "the connection was reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "the connection ended before the answer did".to_owned(),
        _ => error.to_string(),
    }
}

/// A connection to the first of them that takes one.
pub(crate) fn connect(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, deadline.left()?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The same connection, spoken in TLS.
pub(crate) fn over_tls(
    config: Arc<ClientConfig>,
    host: &str,
    stream: Timed,
) -> io::Result<StreamOwned<ClientConnection, Timed>> {
    let name = match host.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => ServerName::try_from(host.to_owned()).map_err(io::Error::other)?,
    };
    let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

fn head(method: &str, target: &Target<'_>, bearer: Option<&Bearer>, more: &str) -> Vec<u8> {
    let mut head = format!(
        "{method} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tidegate\r\nAccept: */*\r\nConnection: close\r\n{more}",
        target.path, target.authority
    );
    if let Some(Bearer(token)) = bearer {
        head.push_str(&format!("Authorization: {token}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}

fn exchange(mut stream: impl Read + Write, message: &[u8]) -> io::Result<Fetched> {
    stream.write_all(message)?;
    stream.flush()?;
    reply::read(&mut stream)
}

impl<'u> Target<'u> {
    fn of(url: &'u str) -> Result<Self, String> {
        let (tls, rest) = match (url.strip_prefix("http://"), url.strip_prefix("https://")) {
            (Some(rest), _) => (false, rest),
            (None, Some(rest)) => (true, rest),
            (None, None) => return Err("not an http URL".to_owned()),
        };
        // A line end in it would begin another field.
        if !rest.bytes().all(|b| b.is_ascii_graphic()) || rest.contains(['@', '#']) {
            return Err("not a URL that can be asked".to_owned());
        }
        let cut = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(cut);
        let slash = if path.starts_with('/') { "" } else { "/" };
        let (host, port) = host_and_port(authority, if tls { 443 } else { 80 })?;
        Ok(Target { tls, authority, host, port, path: format!("{slash}{path}") })
    }
}

/// The parts of `host:port`, `[::1]:port`, or a host alone.
pub(crate) fn host_and_port(authority: &str, usual: u16) -> Result<(&str, u16), String> {
    let bad = || format!("`{authority}` is not a host and a port");
    let (host, port) = match authority.strip_prefix('[') {
        Some(inside) => inside.split_once(']').ok_or_else(bad)?,
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match port.strip_prefix(':') {
        Some(port) => port.parse().map_err(|_| bad())?,
        None if port.is_empty() => usual,
        None => return Err(bad()),
    };
    if host.is_empty() { Err(bad()) } else { Ok((host, port)) }
}

#[cfg(test)]
mod tests;
