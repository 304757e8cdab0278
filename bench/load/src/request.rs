//! What is asked: the kinds of request and their bytes.

use std::time::Duration;

use crate::config::{Config, EchoCheck};
use crate::payload::{LARGE, Random, SMALL};

/// Pieces of a body that is sent slowly, and the pause between them.
pub const SLOW_PIECES: usize = 4;
/// See [`SLOW_PIECES`].
pub const SLOW_PAUSE: Duration = Duration::from_millis(100);

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `GET` of the target's path.
    Get,
    /// `GET` of a path whose answer has a known length.
    Bytes,
    /// `GET` of a path that takes its time.
    SlowAnswer,
    /// `POST` of a small body in slow pieces.
    SlowBody,
    /// `POST` of a small body.
    SmallPost,
    /// `POST` of 1 MiB.
    LargePost,
}

/// One request to make.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Its number from 0.
    pub sequence: u64,
    /// What it asks.
    pub kind: Kind,
    /// Whether it has a connection of its own.
    pub fresh: bool,
}

/// How an answer's body is judged.
#[derive(Clone, Copy, Debug)]
pub enum Expect<'a> {
    /// Any body.
    Anything,
    /// This many bytes.
    Length(u64),
    /// These bytes.
    Exactly(&'a [u8]),
    /// These bytes somewhere in it.
    Contains(&'a [u8]),
}

impl Request {
    /// Draws the next request by the shares of `config`.
    pub fn draw(sequence: u64, config: &Config, random: &mut Random) -> Self {
        let kind = if random.chance(config.large_percent) {
            Kind::LargePost
        } else if random.chance(config.slow_percent) {
            if random.chance(50.0) { Kind::SlowAnswer } else { Kind::SlowBody }
        } else if random.chance(config.post_percent) {
            Kind::SmallPost
        } else if random.chance(config.bytes_percent) {
            Kind::Bytes
        } else {
            Kind::Get
        };
        Request { sequence, kind, fresh: random.chance(config.fresh_percent) }
    }

    /// Whether sending it twice does no harm.
    pub fn is_repeatable(&self) -> bool {
        matches!(self.kind, Kind::Get | Kind::Bytes | Kind::SlowAnswer)
    }

    /// Its body, empty for a `GET`.
    pub fn body<'a>(&self, config: &'a Config) -> &'a [u8] {
        match self.kind {
            Kind::Get | Kind::Bytes | Kind::SlowAnswer => &[],
            Kind::SmallPost | Kind::SlowBody => config.payload.body(self.sequence, SMALL),
            Kind::LargePost => config.payload.body(self.sequence, LARGE),
        }
    }

    /// Its head. `attempt` makes the id of a repeated request differ, so that our own retry is no duplicate.
    pub fn head(&self, config: &Config, attempt: u8) -> String {
        let (method, path) = match self.kind {
            Kind::Get => ("GET", &config.target.path),
            Kind::Bytes => ("GET", &config.bytes_path),
            Kind::SlowAnswer => ("GET", &config.slow_path),
            Kind::SmallPost | Kind::SlowBody | Kind::LargePost => ("POST", &config.echo_path),
        };
        let host = &config.target.host;
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: tidegate-load\r\n");
        if let Some(name) = &config.id_header {
            head += &format!("{name}: {}\r\n", config.id(self.sequence, attempt));
        }
        if method == "POST" {
            let length = self.body(config).len();
            head += &format!("content-type: application/octet-stream\r\ncontent-length: {length}\r\n");
        }
        head += if self.fresh { "connection: close\r\n\r\n" } else { "\r\n" };
        head
    }

    /// What its answer's body has to be.
    pub fn expect<'a>(&self, config: &'a Config) -> Expect<'a> {
        match (self.kind, config.echo_check) {
            (Kind::Get | Kind::SlowAnswer, _) => Expect::Anything,
            (Kind::Bytes, _) => config.bytes_length.map_or(Expect::Anything, Expect::Length),
            (_, EchoCheck::Exact) => Expect::Exactly(self.body(config)),
            (_, EchoCheck::Contains) => Expect::Contains(self.body(config)),
            (_, EchoCheck::Ignore) => Expect::Anything,
        }
    }
}
