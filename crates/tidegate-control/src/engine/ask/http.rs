//! One `GET` over HTTP/1.1: its own connection, no redirects, an end to its time and to what it reads.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::reply::{self, Fetched};
use super::timed::{Deadline, Timed};

/// What is asked for.
#[derive(Debug)]
pub(in crate::engine) struct Get {
    /// An `http://` or `https://` URL.
    pub(in crate::engine) url: String,
    /// What to say who is asking by.
    pub(in crate::engine) bearer: Option<Bearer>,
    /// How long all of it may take, but for the name of the host.
    pub(in crate::engine) within: Duration,
}

/// A token; never shown.
pub(in crate::engine) struct Bearer(String);

impl Bearer {
    /// A token as a field can carry it. `None` where it cannot.
    pub(in crate::engine) fn new(token: &str) -> Option<Bearer> {
        let token = token.trim();
        let clean = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
        clean.then(|| Bearer(token.to_owned()))
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
pub(super) fn get(
    question: &Get,
    trust: impl Fn() -> Result<Arc<ClientConfig>, String>,
) -> Result<Fetched, String> {
    let target = Target::of(&question.url)?;
    let addresses: Vec<SocketAddr> = (target.host, target.port)
        .to_socket_addrs()
        .map_err(|error| format!("{}: {error}", target.authority))?
        .collect();
    // How long the name took is not ours to bound, and does not count.
    let deadline = Deadline::after(question.within);
    let config = if target.tls { Some(trust()?) } else { None };
    let asked = connect(&addresses, deadline).and_then(|stream| match config {
        None => exchange(Timed { stream, deadline }, &target, question),
        Some(config) => exchange(over_tls(config, &target, Timed { stream, deadline })?, &target, question),
    });
    asked.map_err(|error| format!("{}: {}", target.authority, told(&error, question.within)))
}

fn told(error: &io::Error, within: Duration) -> String {
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

fn connect(addresses: &[SocketAddr], deadline: Deadline) -> io::Result<TcpStream> {
    let mut last = io::Error::other("the host has no address");
    for address in addresses {
        match TcpStream::connect_timeout(address, deadline.left()?) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn over_tls(
    config: Arc<ClientConfig>,
    target: &Target<'_>,
    stream: Timed,
) -> io::Result<StreamOwned<ClientConnection, Timed>> {
    let name = match target.host.parse::<IpAddr>() {
        Ok(address) => ServerName::from(address),
        Err(_) => ServerName::try_from(target.host.to_owned()).map_err(io::Error::other)?,
    };
    let connection = ClientConnection::new(config, name).map_err(io::Error::other)?;
    Ok(StreamOwned::new(connection, stream))
}

fn exchange(mut stream: impl Read + Write, target: &Target<'_>, question: &Get) -> io::Result<Fetched> {
    let mut head = format!(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: tidegate\r\nAccept: */*\r\nConnection: close\r\n",
        target.path, target.authority
    );
    if let Some(Bearer(token)) = &question.bearer {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes())?;
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

/// `host:port`, `[::1]:port`, or a host alone.
fn host_and_port(authority: &str, usual: u16) -> Result<(&str, u16), String> {
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
