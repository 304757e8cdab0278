//! What the backend and a shim say to each other over the shim's socket: one JSON object a line.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_core::model::Exit;

use crate::Sealed;

/// From the backend to a shim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum ToShim {
    /// The signal now, SIGKILL after the grace.
    Stop {
        /// Signal number.
        signal: i32,
        /// From the signal to SIGKILL.
        grace_ms: u64,
    },
    /// SIGKILL now.
    Kill,
    /// Run a command as the unit would and say how it ended.
    Check {
        /// To tell the answers apart.
        serial: u64,
        /// The command, for `/bin/sh -c`.
        command: String,
        /// After this long it is killed.
        timeout_ms: u64,
    },
    /// What of the unit's environment is secret. Said once, before the shim runs, and never again.
    Sealed(Sealed),
}

/// From a shim to whoever is connected: the state on connecting and at each change, and answers to checks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum FromShim {
    /// Its main process runs.
    Running {
        /// The main process.
        pid: u32,
        /// When it started, by the boot clock.
        started_ms: u64,
        /// Whether it writes output without end, see `shim::meter`.
        #[serde(default)]
        flooding: bool,
    },
    /// It is over, nothing of it is left, and `exit.json` says so too.
    Ended(Exit),
    /// A check is over.
    Checked {
        /// Which.
        serial: u64,
        /// Whether the command ended with exit code 0.
        good: bool,
        /// How it ended, in words.
        answer: String,
    },
}

/// The longest message. A command may be long; nothing else is.
const LONGEST: usize = 1 << 20;

/// Splits what arrives on a nonblocking stream into messages.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    bytes: Vec<u8>,
}

impl Inbox {
    /// Reads what has arrived. The flag is false once the other end is gone.
    pub(super) fn receive<T: DeserializeOwned>(&mut self, mut from: impl Read) -> (Vec<T>, bool) {
        let open = self.fill(&mut from);
        let mut messages = Vec::new();
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            match serde_json::from_slice(&line) {
                Ok(message) => messages.push(message),
                Err(error) => tracing::warn!(%error, "message not understood"),
            }
        }
        (messages, open && self.bytes.len() <= LONGEST)
    }

    fn fill(&mut self, from: &mut impl Read) -> bool {
        let mut chunk = [0; 4096];
        while self.bytes.len() <= LONGEST {
            match from.read(&mut chunk) {
                Ok(0) => return false,
                Ok(read) => self.bytes.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }
}

/// Sends one message. Messages are small against a socket's buffer: where it does not fit, the other end has stopped
/// reading, and that is an error.
pub(super) fn send<T: Serialize>(mut to: impl Write, message: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    to.write_all(&line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_split_wherever_the_stream_was_cut() {
        let mut inbox = Inbox::default();
        let (first, _) = inbox.receive::<ToShim>(&b"\"kill\"\n{\"stop\":{\"sig"[..]);
        assert_eq!(first, [ToShim::Kill]);
        let (second, open) = inbox.receive::<ToShim>(&b"nal\":15,\"grace_ms\":9}}\nnonsense\n"[..]);
        assert_eq!(second, [ToShim::Stop { signal: 15, grace_ms: 9 }]);
        assert!(!open, "a slice ends like a closed stream");
    }

    #[test]
    fn a_message_without_end_closes_the_connection() {
        let mut inbox = Inbox::default();
        let (messages, open) = inbox.receive::<ToShim>(io::repeat(b'x'));
        assert!(messages.is_empty() && !open);
    }
}
