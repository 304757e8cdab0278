//! The new gateway's side: asks for the old one's place, before anything of its own runs.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tidegate_core::model::RouteTable;
use tidegate_os::lock::Lock;
use tidegate_os::{handoff, socket};

use super::{Listening, Offer, Opening, Ready, SOCKET, hear, say, set_patience, step};
use crate::epochs::Epochs;
use crate::start::{ENDS_WITHIN, LOOK};

/// What was taken over.
#[derive(Debug)]
pub(crate) struct Legacy {
    /// Held by the old gateway as well, until it has let go.
    pub(crate) lock: Lock,
    pub(crate) listeners: Vec<(Listening, TcpListener)>,
    /// The one in use.
    pub(crate) table: RouteTable,
    pub(crate) elder: Elder,
}

/// The gateway whose place it is.
#[derive(Debug)]
pub(crate) struct Elder {
    stream: UnixStream,
    pid: u32,
    socket: PathBuf,
}

/// Asks for the place of the gateway that runs in `dir`, which may drain for `drain` afterwards.
pub(crate) fn take(dir: &Path, drain: Duration) -> io::Result<Legacy> {
    let path = dir.join(SOCKET);
    let stream = socket::connect(&path)?;
    set_patience(&stream)?;
    let drain_ms = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
    say(&stream, &Opening::Take { version: env!("CARGO_PKG_VERSION").to_owned(), drain_ms })?;
    let mut descriptors = handoff::receive(&stream)?.into_iter();
    let offer: Offer = hear(&stream)?;
    step("taken");
    let lock = descriptors.next().map(Lock::inherited).ok_or(io::ErrorKind::InvalidData)?;
    let listeners = paired(offer.listeners, descriptors.collect())?;
    tracing::info!(pid = offer.pid, version = offer.version, "took over from the gateway that ran");
    Ok(Legacy { lock, listeners, table: offer.table, elder: Elder { stream, pid: offer.pid, socket: path } })
}

fn paired(listeners: Vec<Listening>, descriptors: Vec<OwnedFd>) -> io::Result<Vec<(Listening, TcpListener)>> {
    if listeners.len() != descriptors.len() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "listening sockets are missing"));
    }
    let listener = |(listening, descriptor): (_, OwnedFd)| {
        let listener = TcpListener::from(descriptor);
        listener.set_nonblocking(true)?;
        Ok((listening, listener))
    };
    listeners.into_iter().zip(descriptors).map(listener).collect()
}

/// Whether whoever has the socket goes on having it: a process that was killed lets go of what it has one by one.
async fn stays(socket: &Path) -> bool {
    let until = Instant::now() + ENDS_WITHIN;
    while socket::connect(socket).is_ok() {
        if Instant::now() >= until {
            return true;
        }
        tokio::time::sleep(LOOK).await;
    }
    false
}

impl Elder {
    /// Tells the old gateway that its successor serves, and waits until it obeys, or is dead. An error: it lives and keeps
    /// its place.
    pub(crate) async fn succeed(self, epochs: &Epochs) -> io::Result<()> {
        step("ready");
        // What became of this shows in what comes next.
        let _ = say(&self.stream, &Ready { pid: std::process::id() });
        step("said");
        let adopted = epochs.elders.adopt(self.stream, self.pid, None).await;
        match adopted {
            Err(error) if stays(&self.socket).await => Err(error),
            // It was killed: what it had is ours, also the queues of its listeners.
            Err(_) | Ok(()) => Ok(()),
        }
    }
}
