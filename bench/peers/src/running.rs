//! One proxy at work: its process and its ports.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::peer::{Peer, Place, SetupError};
use crate::process::Process;
use crate::processors::Processors;

/// How long a proxy may take until it listens.
const START_WITHIN: Duration = Duration::from_secs(20);

/// See the module. Dropping it ends the proxy.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub peer: Peer,
    /// Where.
    pub place: Place,
    /// What runs.
    pub process: Process,
}

/// Why a proxy does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It cannot be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It ended, or did not listen in time.
    #[error("it does not start: {0}")]
    Silent(String),
    /// The machine refused something.
    #[error(transparent)]
    Machine(#[from] io::Error),
}

impl Running {
    /// Starts it, and waits until it listens.
    pub fn start(peer: Peer, place: Place, processors: Option<Processors>) -> Result<Self, StartError> {
        let command = peer.set_up(&place)?;
        let cpu = processors.map(|processors| processors.proxy);
        let mut process = Process::start(&command, cpu, &place.dir.join("log"))?;
        let deadline = Instant::now() + START_WITHIN;
        while TcpStream::connect(place.plain).is_err() {
            if !process.runs() || Instant::now() > deadline {
                return Err(StartError::Silent(process.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Running { peer, place, process })
    }

    /// Where it takes HTTP/1.1, with TLS or without.
    pub fn entry(&self, secure: bool) -> SocketAddr {
        if secure { self.place.secure } else { self.place.plain }
    }
}
