//! Whether a proxy does the work at all, seen once before it is measured: the body byte for byte, and what the app got.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use crate::case::{Ask, HOST};
use crate::drive::{Driver, body};
use crate::h2load;
use crate::peer::Peer;
use crate::running::Running;

const TIMEOUT: Duration = Duration::from_secs(5);

/// What is wrong with a proxy.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No answer.
    #[error("no answer: {0}")]
    Io(#[from] io::Error),
    /// There is nothing to ask with.
    #[error("{0} is not installed")]
    NoClient(&'static str),
    /// The answer is another.
    #[error("a wrong answer: {0}")]
    Answer(String),
    /// The app was not told who asks.
    #[error("no X-Forwarded-For arrived at the app")]
    Unnamed,
}

/// The path that checks ask under: what is still on its way for other clients is not taken for theirs.
const PREFIX: &str = "/api/check";

/// Asks once and looks at both ends.
pub fn check(
    driver: &mut Driver,
    running: &Running,
    ask: Ask,
    tls: Option<Arc<ClientConfig>>,
) -> Result<(), CheckError> {
    // Alone on its connection, so that the end of the answer is the end of what comes.
    let ask = Ask { fresh: true, ..ask };
    let (to, path) = (running.entry(ask.secure), path(running));
    driver.keep_head_with(&path);
    let asking = std::thread::spawn(move || exchange(to, &ask.request_under(&path), tls));
    driver.serve_until(|| Ok(asking.is_finished()))?;
    let answer = asking.join().map_err(|_| io::Error::other("the client broke down"))??;
    check_answer(&answer, ask)?;
    if running.peer.is_floor() { Ok(()) } else { check_named(driver, running.peer) }
}

/// The same by h2load, which does not look at bodies beyond their length.
pub fn check_http2(driver: &mut Driver, running: &Running, secure: bool) -> Result<(), CheckError> {
    if !h2load::is_installed() {
        return Err(CheckError::NoClient("h2load"));
    }
    let path = path(running);
    driver.keep_head_with(&path);
    let once = h2load::Run { path: &path, secure, connections: 1, last: None };
    let figures = h2load::run(driver, running, once)?;
    if !figures.troubles.is_empty() {
        return Err(CheckError::Answer(figures.troubles.join(", ")));
    }
    check_named(driver, running.peer)
}

fn path(running: &Running) -> String {
    format!("{PREFIX}/{}", running.peer.name())
}

/// Whether the head that the driver kept says who asked.
fn check_named(driver: &Driver, peer: Peer) -> Result<(), CheckError> {
    // Envoy takes a client on this very machine for itself and gives its own address, whichever that is.
    let of_machine = peer == Peer::Envoy;
    let named = driver.kept_head().and_then(forwarded_for);
    if named.is_some_and(|named| of_machine || named.is_loopback()) {
        Ok(())
    } else {
        Err(CheckError::Unnamed)
    }
}

fn exchange(to: SocketAddr, request: &[u8], tls: Option<Arc<ClientConfig>>) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&to, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let Some(config) = tls else { return ask_on(&mut stream, request) };
    let name = ServerName::try_from(HOST).map_err(io::Error::other)?;
    let session = ClientConnection::new(config, name).map_err(io::Error::other)?;
    ask_on(&mut StreamOwned::new(session, stream), request)
}

fn ask_on(stream: &mut (impl Read + Write), request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request)?;
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        // Not every proxy says goodbye in TLS; the length of the answer is looked at all the same.
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(answer),
        read => read.map(|_| answer),
    }
}

fn check_answer(answer: &[u8], ask: Ask) -> Result<(), CheckError> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n").map_or(answer.len(), |end| end + 4);
    let (head, got) = answer.split_at(end);
    let expected: Vec<u8> = match ask.body_length {
        0 => body(ask.answer_length).collect(),
        length => format!("{length:016}").into_bytes(),
    };
    if head.starts_with(b"HTTP/1.1 200") && got == expected {
        return Ok(());
    }
    let line = String::from_utf8_lossy(head).lines().next().unwrap_or_default().to_owned();
    Err(CheckError::Answer(format!("`{line}` and {} bytes of {}", got.len(), expected.len())))
}

fn forwarded_for(head: &[u8]) -> Option<IpAddr> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines().find_map(|line| line.strip_prefix("x-forwarded-for:")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::{Case, Kind};

    #[test]
    fn one_byte_that_differs_is_found() {
        let Kind::Closed(ask) = Case::Small.kind() else { panic!() };
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.extend(body(ask.answer_length));
        assert!(check_answer(&answer, ask).is_ok());
        *answer.last_mut().unwrap() ^= 1;
        assert!(check_answer(&answer, ask).is_err());
    }

    #[test]
    fn the_client_is_named_by_its_address_alone() {
        let named = |value: &str| {
            forwarded_for(format!("GET / HTTP/1.1\r\nX-Forwarded-For: {value}\r\n\r\n").as_bytes())
        };
        assert_eq!(named("127.0.0.1"), Some([127, 0, 0, 1].into()));
        assert_eq!(named("10.0.0.1, 127.0.0.1"), None);
    }
}
