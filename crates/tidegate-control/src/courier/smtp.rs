//! Hands a letter to a mail server: SMTP (RFC 5321) with STARTTLS or TLS from the start, and AUTH PLAIN.
//!
//! A password is never said in the clear, but to this machine itself.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::deliver::Trust;
use crate::engine::ask::http::{addresses_of, connect, host_and_port, over_tls, told};
use crate::engine::ask::timed::{Deadline, Timed};

/// The longest line of an answer.
const LONGEST_LINE: usize = 2 << 10;
/// The most lines of an answer.
const MOST_LINES: usize = 100;

/// A letter, and who takes it.
pub(super) struct Mail<'a> {
    /// `smtp://host:port` or `smtps://host:port`.
    pub(super) server: &'a str,
    /// Name and password, where the server asks for them.
    pub(super) login: Option<(&'a str, &'a str)>,
    /// The sender's address.
    pub(super) from: &'a str,
    /// The addresses it goes to.
    pub(super) to: &'a [String],
    /// The letter, ready for the wire but for its end.
    pub(super) letter: &'a str,
    /// How long all of it may take.
    pub(super) within: Duration,
}

/// What went wrong: with the connection, or by what the server said.
enum Trouble {
    Io(io::Error),
    Said(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Io(error)
    }
}

/// Hands it over.
pub(super) fn send(mail: &Mail<'_>, trust: Trust) -> Result<(), String> {
    let (tls, rest) = match (mail.server.strip_prefix("smtp://"), mail.server.strip_prefix("smtps://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return Err("the mail server is not an smtp URL".to_owned()),
    };
    if std::iter::once(mail.from).chain(mail.to.iter().map(String::as_str)).any(|text| !is_address(text)) {
        return Err("one of the addresses is none".to_owned());
    }
    let (host, port) = host_and_port(rest.trim_end_matches('/'), if tls { 465 } else { 587 })?;
    let addresses = addresses_of(host, port)?;
    let sent = hand_over(mail, (tls, host, &addresses), trust);
    sent.map_err(|trouble| match trouble {
        Trouble::Io(error) => format!("{host}:{port}: {}", told(&error, mail.within)),
        Trouble::Said(what) => format!("{host}:{port}: {what}"),
    })
}

/// An address that stands in a command as it is.
fn is_address(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    parts.is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty())
        && text.len() <= 254
        && text.bytes().all(|b| b.is_ascii_graphic() && !b"<>,;\"\\".contains(&b))
}

fn hand_over(
    mail: &Mail<'_>,
    (tls, host, addresses): (bool, &str, &[SocketAddr]),
    trust: Trust,
) -> Result<(), Trouble> {
    let deadline = Deadline::after(mail.within);
    let stream = Timed { stream: connect(addresses, deadline)?, deadline };
    if tls {
        let mut talk = Talk::with(over_tls(trust().map_err(Trouble::Said)?, host, stream)?);
        talk.answer(&[220])?;
        return talk.greet().and_then(|()| talk.letter(mail, true));
    }
    let here = addresses.iter().all(|address| address.ip().is_loopback());
    let mut talk = Talk::with(stream);
    talk.answer(&[220])?;
    talk.greet()?;
    if !talk.offers("STARTTLS") {
        return talk.letter(mail, here);
    }
    talk.say("STARTTLS", &[220])?;
    if !talk.ahead.is_empty() {
        return Err(Trouble::Said("it spoke on before TLS began".to_owned()));
    }
    let mut talk = Talk::with(over_tls(trust().map_err(Trouble::Said)?, host, talk.stream)?);
    talk.greet()?;
    talk.letter(mail, true)
}

/// A conversation.
struct Talk<S> {
    stream: S,
    /// What was read and not yet taken.
    ahead: Vec<u8>,
    /// What the server says it can do.
    offered: Vec<String>,
}

impl<S: Read + Write> Talk<S> {
    fn with(stream: S) -> Self {
        Talk { stream, ahead: Vec::new(), offered: Vec::new() }
    }

    fn greet(&mut self) -> Result<(), Trouble> {
        self.offered = self.say("EHLO tidegate.localhost", &[250])?;
        Ok(())
    }

    fn offers(&self, word: &str) -> bool {
        self.offered
            .iter()
            .any(|line| line.split(' ').next().is_some_and(|first| first.eq_ignore_ascii_case(word)))
    }

    /// `private`: nobody else can listen.
    fn letter(&mut self, mail: &Mail<'_>, private: bool) -> Result<(), Trouble> {
        if let Some((user, password)) = mail.login {
            if !private {
                return Err(Trouble::Said("it offers no TLS, so the password is not sent".to_owned()));
            }
            let plain = STANDARD.encode(format!("\0{user}\0{password}"));
            self.say(&format!("AUTH PLAIN {plain}"), &[235])?;
        }
        let body = if self.offers("8BITMIME") { " BODY=8BITMIME" } else { "" };
        self.say(&format!("MAIL FROM:<{}>{body}", mail.from), &[250])?;
        for to in mail.to {
            self.say(&format!("RCPT TO:<{to}>"), &[250, 251])?;
        }
        self.say("DATA", &[354])?;
        self.say(&format!("{}.", mail.letter), &[250])?;
        // It has the letter: what becomes of the rest is no matter.
        let _ = self.stream.write_all(b"QUIT\r\n").and_then(|()| self.stream.flush());
        Ok(())
    }

    fn say(&mut self, line: &str, wanted: &[u16]) -> Result<Vec<String>, Trouble> {
        self.stream.write_all(format!("{line}\r\n").as_bytes())?;
        self.stream.flush()?;
        self.answer(wanted)
    }

    /// The lines of an answer without their code, which has to be one of these.
    fn answer(&mut self, wanted: &[u16]) -> Result<Vec<String>, Trouble> {
        let mut lines = Vec::new();
        while lines.len() < MOST_LINES {
            let line = self.line()?;
            let code = line.get(..3).and_then(|code| code.parse::<u16>().ok());
            let code = code.ok_or_else(|| Trouble::Said("it does not speak SMTP".to_owned()))?;
            lines.push(line.get(4..).unwrap_or_default().to_owned());
            if line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            // What it says beside the code may repeat what it was told.
            return if wanted.contains(&code) {
                Ok(lines)
            } else {
                Err(Trouble::Said(format!("it answered {code}")))
            };
        }
        Err(Trouble::Said("its answer has no end".to_owned()))
    }

    fn line(&mut self) -> Result<String, Trouble> {
        loop {
            if let Some(end) = self.ahead.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.ahead.drain(..=end).collect();
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.ahead.len() > LONGEST_LINE {
                return Err(Trouble::Said("a line of its answer has no end".to_owned()));
            }
            let mut some = [0; 1 << 10];
            match self.stream.read(&mut some)? {
                0 => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
                count => self.ahead.extend_from_slice(&some[..count]),
            }
        }
    }
}
