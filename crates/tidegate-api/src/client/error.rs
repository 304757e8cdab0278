//! Why a request was not done, as the client sees it.

use tidegate_control::Refusal;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The text is no address of a server.
    #[error(
        "`{0}` is not an address of Tidegate: write `http://HOST:PORT`, `https://HOST` or a data directory"
    )]
    Address(String),
    /// It is not known whom to believe where TLS is spoken.
    #[error("{0}")]
    Trust(String),
    /// Nobody answers there.
    #[error("no answer at {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// What the machine said.
        source: std::io::Error,
    },
    /// The connection broke, or the answer took too long.
    #[error("the connection to {address} broke: {reason}")]
    Broken {
        /// Where.
        address: String,
        /// How.
        reason: String,
    },
    /// The snapshot could not be packed.
    #[error("cannot send the snapshot: {0}")]
    Pack(std::io::Error),
    /// Something else than Tidegate answers, or another version of it.
    #[error("the answer of {address} is not understood: {reason}")]
    Strange {
        /// Where.
        address: String,
        /// What is strange about it.
        reason: String,
    },
    /// The server refused, and says why.
    #[error("{0}")]
    Refused(Box<Refusal>),
}

impl ClientError {
    /// The refusal, where it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            ClientError::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}
