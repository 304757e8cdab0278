//! Whether a proxy does the work at all, seen once before it is measured: the body byte for byte, and what the app got.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::case::Ask;
use crate::drive::{Driver, body};

const TIMEOUT: Duration = Duration::from_secs(5);

/// What is wrong with a proxy.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// No answer.
    #[error("no answer: {0}")]
    Io(#[from] io::Error),
    /// The answer is another.
    #[error("a wrong answer: {0}")]
    Answer(String),
    /// The app was not told who asks.
    #[error("no X-Forwarded-For arrived at the app")]
    Unnamed,
}

/// Asks once and looks at both ends. `named`: the client's address has to arrive.
pub fn check(driver: &mut Driver, to: SocketAddr, ask: Ask, named: bool) -> Result<(), CheckError> {
    // Alone on its connection, so that the end of the answer is the end of what comes.
    let ask = Ask { fresh: true, ..ask };
    driver.keep_next_head();
    let asking = std::thread::spawn(move || exchange(to, &ask.request()));
    driver.serve_until(|| Ok(asking.is_finished()))?;
    let answer = asking.join().map_err(|_| io::Error::other("the client broke down"))??;
    check_answer(&answer, ask)?;
    if named && !driver.kept_head().is_some_and(names_client) {
        return Err(CheckError::Unnamed);
    }
    Ok(())
}

fn exchange(to: SocketAddr, request: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&to, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
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

fn names_client(head: &[u8]) -> bool {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    head.lines()
        .any(|line| line.strip_prefix("x-forwarded-for:").is_some_and(|value| value.trim() == "127.0.0.1"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;

    #[test]
    fn one_byte_that_differs_is_found() {
        let ask = Case::Small.ask();
        let mut answer = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        answer.extend(body(ask.answer_length));
        assert!(check_answer(&answer, ask).is_ok());
        *answer.last_mut().unwrap() ^= 1;
        assert!(check_answer(&answer, ask).is_err());
    }

    #[test]
    fn the_client_is_named_by_its_address_alone() {
        assert!(names_client(b"GET / HTTP/1.1\r\nX-Forwarded-For: 127.0.0.1\r\n\r\n"));
        assert!(!names_client(b"GET / HTTP/1.1\r\nx-forwarded-for: 10.0.0.1\r\n\r\n"));
    }
}
