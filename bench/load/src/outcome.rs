//! What became of a request.

use std::io;

use serde::Serialize;

/// What became of one request, retries included.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Status, or why there is none that can be trusted.
    pub result: Result<u16, Failure>,
    /// The revision that answered, where the answer says so.
    pub revision: Option<String>,
    /// Whether it was sent again after a stale connection.
    pub retried: bool,
    /// The attempt that was answered: 0, or 1 after a retry.
    pub attempt: u8,
}

/// Why a request failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// No connection for another reason.
    #[error("no connection could be made")]
    Connect,
    /// The connection was reset after the request began.
    #[error("connection reset")]
    Reset,
    /// The connection was closed before the answer was complete.
    #[error("closed before the answer was complete")]
    ClosedEarly,
    /// A reused connection was closed before the first byte of the answer, and the request could not be sent again.
    #[error("reused connection was closed before any answer")]
    StaleKeepalive,
    /// No complete answer in time.
    #[error("no complete answer in time")]
    Timeout,
    /// The answer is not HTTP, or larger than allowed.
    #[error("the answer is not valid HTTP/1.1 or too large")]
    BadAnswer,
    /// The body is not the one that had to come back.
    #[error("the body is not what had to come back")]
    BadBody,
    /// A status of 400 or more.
    #[error("status {0}")]
    Status(u16),
}

impl Failure {
    /// Its name in reports, the same for every status.
    pub fn name(self) -> &'static str {
        match self {
            Failure::Refused => "connect_refused",
            Failure::Connect => "connect_failed",
            Failure::Reset => "reset",
            Failure::ClosedEarly => "closed_early",
            Failure::StaleKeepalive => "stale_keepalive",
            Failure::Timeout => "timeout",
            Failure::BadAnswer => "bad_answer",
            Failure::BadBody => "bad_body",
            Failure::Status(_) => "bad_status",
        }
    }

    /// What an error while connecting means.
    pub fn of_connect(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::ConnectionRefused { Failure::Refused } else { Failure::Connect }
    }

    /// What an error on an open connection means.
    pub fn of_transfer(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::Reset,
            _ => Failure::ClosedEarly,
        }
    }
}
