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
    /// 1 KiB over TLS 1.3 on kept connections.
    Tls,
    /// 1 KiB, each request with a full handshake of TLS 1.3.
    Handshake,
    /// 1 KiB over HTTP/2 and TLS.
    H2,
    /// 1 KiB over HTTP/2 without TLS.
    H2c,
    /// Latency at 70 % of what HAProxy can do.
    P99,
    /// Memory of idle connections.
    Idle,
}

/// How a case is measured.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// By clients that ask as fast as they are answered.
    Closed(Ask),
    /// By h2load.
    Http2 {
        /// With TLS.
        secure: bool,
    },
    /// By clients that ask on a timetable.
    Open(Ask),
    /// By connections that do nothing.
    Idle(Ask),
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
    /// Whether it goes over TLS.
    pub secure: bool,
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
            Case::Tls => "tls",
            Case::Handshake => "handshake",
            Case::H2 => "h2",
            Case::H2c => "h2c",
            Case::P99 => "p99",
            Case::Idle => "idle",
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
            Case::Tls => "1 KiB, kept connections with TLS 1.3",
            Case::Handshake => "1 KiB, a connection with a full TLS 1.3 handshake for each request",
            Case::H2 => "1 KiB, HTTP/2 with TLS, 10 requests at a time on each connection",
            Case::H2c => "1 KiB, HTTP/2 without TLS, 10 requests at a time on each connection",
            Case::P99 => "1 KiB, kept connections, requests on a timetable",
            Case::Idle => "resident memory of kept connections that have asked once",
        }
    }

    /// How it is measured.
    pub fn kind(self) -> Kind {
        let get = |kib: usize| Ask { answer_length: kib * 1024, body_length: 0, fresh: false, secure: false };
        match self {
            Case::Small => Kind::Closed(get(1)),
            Case::Middle => Kind::Closed(get(64)),
            Case::Large => Kind::Closed(get(1024)),
            // The app answers with the length it has read, in 16 digits.
            Case::Post => Kind::Closed(Ask { answer_length: 16, body_length: 10 * 1024, ..get(0) }),
            Case::Connection => Kind::Closed(Ask { fresh: true, ..get(1) }),
            Case::Tls => Kind::Closed(Ask { secure: true, ..get(1) }),
            Case::Handshake => Kind::Closed(Ask { secure: true, fresh: true, ..get(1) }),
            Case::H2 => Kind::Http2 { secure: true },
            Case::H2c => Kind::Http2 { secure: false },
            Case::P99 => Kind::Open(get(1)),
            Case::Idle => Kind::Idle(get(1)),
        }
    }
}

impl Ask {
    /// The request, head and body.
    pub fn request(self) -> Vec<u8> {
        self.request_under("/api")
    }

    /// The same with its path under a prefix.
    pub fn request_under(self, prefix: &str) -> Vec<u8> {
        let connection = if self.fresh { "Connection: close\r\n" } else { "" };
        let fields = format!("Host: {HOST}\r\nUser-Agent: tidegate-peers\r\nAccept: */*\r\n{connection}");
        if self.body_length == 0 {
            return format!("GET {prefix}/bytes/{} HTTP/1.1\r\n{fields}\r\n", self.answer_length)
                .into_bytes();
        }
        let length = self.body_length;
        let head = format!(
            "POST {prefix}/orders HTTP/1.1\r\n{fields}Content-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"
        );
        head.into_bytes().into_iter().chain(std::iter::repeat_n(b'x', length)).collect()
    }
}
