//! One HTTP or TCP probe in flight, without blocking: the start, a step whenever its socket is ready, an answer in words.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use nix::errno::Errno;
use nix::poll::PollFlags;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, connect, socket};

/// How a probe was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) good: bool,
    pub(super) words: String,
}

/// Longer first lines than this are no HTTP.
const LONGEST: usize = 1_024;

/// A probe in flight.
pub(super) struct Ask {
    stream: TcpStream,
    port: u16,
    /// The path to get; `None`: a connection is all.
    path: Option<String>,
    stage: Stage,
}

enum Stage {
    Connecting,
    Reading(Vec<u8>),
}

impl Ask {
    /// Begins to connect to the port on loopback.
    pub(super) fn begin(port: u16, path: Option<String>) -> Result<Ask, Answer> {
        let stream = dial(port).map_err(|error| refused(port, &error))?;
        Ok(Ask { stream, port, path, stage: Stage::Connecting })
    }

    /// What to poll its socket for.
    pub(super) fn interest(&self) -> (BorrowedFd<'_>, PollFlags) {
        let flags = match self.stage {
            Stage::Connecting => PollFlags::POLLOUT,
            Stage::Reading(_) => PollFlags::POLLIN,
        };
        (self.stream.as_fd(), flags)
    }

    /// Goes on as far as it can; the answer, once there is one.
    pub(super) fn step(&mut self) -> Option<Answer> {
        if let Stage::Connecting = self.stage {
            match self.connected() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(refused(self.port, &error)),
            }
            let Some(path) = &self.path else {
                return Some(good(format!("port {} accepts connections", self.port)));
            };
            if let Err(error) = self.stream.write_all(request(path).as_bytes()) {
                return Some(self.broke(&error));
            }
            self.stage = Stage::Reading(Vec::new());
        }
        self.read()
    }

    /// The connection, to be read out.
    pub(super) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn connected(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self) -> Option<Answer> {
        let path = self.path.as_deref().unwrap_or_default();
        let Stage::Reading(heard) = &mut self.stage else { return None };
        let mut chunk = [0; 512];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Some(bad(format!("connection closed without an answer from {path}"))),
                Ok(read) => heard.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return None,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Some(self.broke(&error)),
            }
            if heard.contains(&b'\n') || heard.len() > LONGEST {
                return Some(judge(heard, path));
            }
        }
    }

    fn broke(&self, error: &io::Error) -> Answer {
        let path = self.path.as_deref().unwrap_or_default();
        bad(format!("connection broke before an answer from {path}: {}", error.kind()))
    }
}

fn dial(port: u16) -> io::Result<TcpStream> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let stream = TcpStream::from(socket(AddressFamily::Inet, SockType::Stream, flags, None)?);
    match connect(stream.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, port)) {
        Ok(()) | Err(Errno::EINPROGRESS) => Ok(stream),
        Err(error) => Err(error.into()),
    }
}

fn request(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: tidegate-probe\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )
}

fn judge(heard: &[u8], path: &str) -> Answer {
    let line =
        String::from_utf8_lossy(heard.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    let mut words = line.split_ascii_whitespace();
    let http = words.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let status: Option<u16> =
        words.next().and_then(|status| status.parse().ok()).filter(|s| (100..600).contains(s));
    match status.filter(|_| http) {
        Some(status) if (200..400).contains(&status) => good(format!("HTTP {status} from {path}")),
        Some(status) => bad(format!("HTTP {status} from {path}")),
        None => bad(format!("the answer from {path} is not HTTP")),
    }
}

fn refused(port: u16, error: &io::Error) -> Answer {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => bad(format!("connection refused on port {port}")),
        _ => bad(format!("cannot connect to port {port}: {error}")),
    }
}

pub(super) fn good(words: String) -> Answer {
    Answer { good: true, words }
}

pub(super) fn bad(words: String) -> Answer {
    Answer { good: false, words }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_line_is_judged_and_anything_else_is_said_to_be_none() {
        let words = |heard: &str| (judge(heard.as_bytes(), "/up").good, judge(heard.as_bytes(), "/up").words);
        assert_eq!(words("HTTP/1.1 204 No Content\r\n"), (true, "HTTP 204 from /up".to_owned()));
        assert_eq!(words("HTTP/1.0 302 Found\r\n"), (true, "HTTP 302 from /up".to_owned()));
        assert_eq!(words("HTTP/1.1 503\r\n"), (false, "HTTP 503 from /up".to_owned()));
        for garbage in ["SSH-2.0-OpenSSH\r\n", "HTTP/1.1 99999 x\n", "\n", "HTTP/1.1\n"] {
            assert_eq!(words(garbage), (false, "the answer from /up is not HTTP".to_owned()), "{garbage:?}");
        }
    }

    #[test]
    fn a_port_nobody_listens_on_is_refused_by_name() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let answer = match Ask::begin(port, None) {
            Err(answer) => answer,
            Ok(mut ask) => ask.step().unwrap(),
        };
        assert_eq!(answer, bad(format!("connection refused on port {port}")));
    }
}
