//! How one gateway process takes another's place with no connection refused.
//!
//! The new one connects to `handover.sock` in the gateway's directory and is given the listening sockets (the same kernel
//! queues, so nothing that waits in them is lost), the lock of the directory and the table in use. It starts its workers
//! and says so; from then on both accept. Only now does the old one stop, and drain. While it does it goes on obeying the
//! new one as it obeyed the control plane: it uses the newest tables and tells what is in flight on it, which the new
//! one adds to its own. Whichever is killed at whatever moment, the other one serves.

mod elders;
mod follow;
mod give;
mod take;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tidegate_core::model::RouteTable;

use crate::table_file::LARGEST_TABLE;

pub(crate) use elders::Elders;
pub(crate) use follow::follow;
pub(crate) use give::{Estate, Given, serve};
pub(crate) use take::{Elder, Legacy, take};

/// The socket in the gateway's directory.
pub(crate) const SOCKET: &str = "handover.sock";
/// What listeners are for.
pub(crate) const HTTP: &str = "http";
pub(crate) const HTTPS: &str = "https";
/// How long either side waits for the other's next word.
const WORD_WITHIN: Duration = Duration::from_secs(15);

/// The first word of whoever connects.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Opening {
    /// A new gateway wants the old one's place.
    Take {
        version: String,
        /// How long the old one may drain then.
        drain_ms: u64,
    },
    /// A gateway that drains has lost its successor and looks for the next.
    Follow { pid: u32 },
}

/// What goes over besides the descriptors: the lock's, then those of `listeners`.
#[derive(Debug, Serialize, Deserialize)]
struct Offer {
    version: String,
    pid: u32,
    table: RouteTable,
    listeners: Vec<Listening>,
}

/// What a listening socket is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listening {
    pub(crate) kind: String,
    pub(crate) address: SocketAddr,
}

/// The new gateway's workers accept.
#[derive(Debug, Serialize, Deserialize)]
struct Ready {
    pid: u32,
}

fn say(mut stream: &UnixStream, word: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(word)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Reads a line. The other side says no more before it is answered, so nothing is read beyond it.
fn hear<T: DeserializeOwned>(stream: &UnixStream) -> io::Result<T> {
    let mut line = Vec::new();
    BufReader::new(stream).take(LARGEST_TABLE).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}

fn set_patience(stream: &UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(WORD_WITHIN))?;
    stream.set_write_timeout(Some(WORD_WITHIN))
}

/// For tests, and in debug builds alone: the process ends as `kill -9` would end it, at the step its environment names.
pub(crate) fn step(name: &str) {
    if cfg!(debug_assertions) && std::env::var_os("TIDEGATE_KILL_AT_STEP").is_some_and(|at| at == name) {
        let _ = tidegate_os::process::kill(std::process::id(), 9);
    }
}
