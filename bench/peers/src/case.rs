//! The cases: what is asked of every proxy, and what is wanted of the gateway.

use clap::ValueEnum;

/// The host that is measured, one of the gateway's thousand.
pub const HOST: &str = "measured.example.com";

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum)]
pub enum Case {
    /// 1 KiB on kept connections.
    #[value(name = "1k")]
    Small,
    /// 64 KiB on kept connections.
    #[value(name = "64k")]
    Middle,
    /// 1 MiB on kept connections.
    #[value(name = "1m")]
    Large,
    /// POST of 10 KiB on kept connections.
    Post,
    /// 1 KiB, each request on a connection of its own.
    Connection,
}

/// What the clients of a case do.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The length of the answer's body.
    pub answer_length: usize,
    /// The length of the request's body.
    pub body_length: usize,
    /// Whether each request has a connection of its own.
    pub fresh: bool,
}

impl Case {
    /// The name it is chosen by.
    pub fn name(self) -> &'static str {
        match self {
            Case::Small => "1k",
            Case::Middle => "64k",
            Case::Large => "1m",
            Case::Post => "post",
            Case::Connection => "connection",
        }
    }

    /// What it is.
    pub fn title(self) -> &'static str {
        match self {
            Case::Small => "1 KiB, kept connections",
            Case::Middle => "64 KiB, kept connections",
            Case::Large => "1 MiB, kept connections",
            Case::Post => "POST of 10 KiB, kept connections",
            Case::Connection => "1 KiB, a connection for each request",
        }
    }

    /// What its clients do.
    pub fn ask(self) -> Ask {
        let get = |kib: usize| Ask { answer_length: kib * 1024, body_length: 0, fresh: false };
        match self {
            Case::Small => get(1),
            Case::Middle => get(64),
            Case::Large => get(1024),
            // The app answers with the length it has read, in 16 digits.
            Case::Post => Ask { answer_length: 16, body_length: 10 * 1024, fresh: false },
            Case::Connection => Ask { fresh: true, ..get(1) },
        }
    }
}

impl Ask {
    /// The request, head and body.
    pub fn request(self) -> Vec<u8> {
        let connection = if self.fresh { "Connection: close\r\n" } else { "" };
        let fields = format!("Host: {HOST}\r\nUser-Agent: tidegate-peers\r\nAccept: */*\r\n{connection}");
        if self.body_length == 0 {
            return format!("GET /api/bytes/{} HTTP/1.1\r\n{fields}\r\n", self.answer_length).into_bytes();
        }
        let length = self.body_length;
        let head = format!(
            "POST /api/orders HTTP/1.1\r\n{fields}Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
        );
        head.into_bytes().into_iter().chain(std::iter::repeat_n(b'x', length)).collect()
    }
}
