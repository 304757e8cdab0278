//! The proxies at work: started, checked, and measured in turn.

use std::collections::BTreeMap;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::case::Case;
use crate::check::{CheckError, check};
use crate::drive::{Driver, Load, Pace};
use crate::figures::Figures;
use crate::peer::{Peer, Place, SetupError};
use crate::process::Process;
use crate::processors::Processors;

/// How long a proxy may take until it listens.
const START_WITHIN: Duration = Duration::from_secs(20);

/// How much is done.
#[derive(Clone, Debug)]
pub struct Effort {
    /// Rounds of each case.
    pub rounds: usize,
    /// Length of a round.
    pub last: Duration,
    /// What goes before it and does not count.
    pub warm_up: Duration,
    /// Connections.
    pub connections: usize,
}

/// Why a proxy is not measured.
#[derive(Debug, thiserror::Error)]
pub enum AbsentError {
    /// It cannot be set up.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// It ended, or did not listen in time.
    #[error("it does not start: {0}")]
    Start(String),
    /// It does not do the work.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The machine refused something.
    #[error(transparent)]
    Machine(#[from] io::Error),
}

/// The outcome of a case: figures of each proxy, or why there are none.
pub type Outcome = BTreeMap<Peer, Result<Figures, String>>;

/// See the module.
#[derive(Debug)]
pub struct Contest {
    driver: Driver,
    effort: Effort,
    running: Vec<Running>,
    absent: BTreeMap<Peer, String>,
    /// Holds the proxies' directories; dropped after them.
    _dir: TempDir,
}

#[derive(Debug)]
struct Running {
    peer: Peer,
    place: Place,
    process: Process,
}

impl Contest {
    /// Starts the proxies. Those that do not come are named in each outcome.
    pub fn begin(
        peers: &[Peer],
        tidegate: &Path,
        processors: Option<Processors>,
        effort: Effort,
    ) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("tidegate-peers-").tempdir()?;
        let driver = Driver::new()?;
        let (mut running, mut absent) = (Vec::new(), BTreeMap::new());
        for peer in peers.iter().copied() {
            let place = Place::new(&dir.path().join(peer.name()), driver.upstreams(), tidegate)?;
            match Running::start(peer, place, processors) {
                Ok(started) => running.push(started),
                Err(error) => {
                    absent.insert(peer, error.to_string());
                }
            }
        }
        Ok(Contest { driver, effort, running, absent, _dir: dir })
    }

    /// Measures every proxy in turn, round after round.
    pub fn measure(&mut self, case: Case) -> io::Result<Outcome> {
        let mut absent: BTreeMap<Peer, String> = self.absent.clone();
        for running in &self.running {
            if let Err(error) = running.check(&mut self.driver, case) {
                absent.insert(running.peer, error.to_string());
            }
        }
        let mut rounds: BTreeMap<Peer, Vec<Figures>> = BTreeMap::new();
        for round in 1..=self.effort.rounds {
            for running in self.running.iter().filter(|running| !absent.contains_key(&running.peer)) {
                eprint!(
                    "\r{}: round {round} of {}: {:<10}",
                    case.name(),
                    self.effort.rounds,
                    running.peer.name()
                );
                let load = self.effort.load(running, case);
                let taken = self.driver.run(&load, &mut || running.process.cpu())?;
                rounds.entry(running.peer).or_default().push(Figures::of(&taken));
            }
        }
        eprint!("\r{:<50}\r", "");
        let measured = rounds.into_iter().map(|(peer, rounds)| (peer, Ok(Figures::middle(&rounds))));
        Ok(measured.chain(absent.into_iter().map(|(peer, why)| (peer, Err(why)))).collect())
    }
}

impl Effort {
    fn load(&self, running: &Running, case: Case) -> Load {
        let ask = case.ask();
        Load {
            to: running.place.plain,
            request: ask.request(),
            answer_length: ask.answer_length,
            connections: self.connections,
            fresh: ask.fresh,
            pace: Pace::Closed,
            warm_up: self.warm_up,
            last: self.last,
        }
    }
}

impl Running {
    fn start(peer: Peer, place: Place, processors: Option<Processors>) -> Result<Self, AbsentError> {
        let command = peer.set_up(&place)?;
        let cpu = processors.map(|processors| processors.proxy);
        let mut process = Process::start(&command, cpu, &place.dir.join("log"))?;
        let deadline = Instant::now() + START_WITHIN;
        while TcpStream::connect(place.plain).is_err() {
            if !process.runs() || Instant::now() > deadline {
                return Err(AbsentError::Start(process.last_words()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Running { peer, place, process })
    }

    fn check(&self, driver: &mut Driver, case: Case) -> Result<(), AbsentError> {
        Ok(check(driver, self.place.plain, case.ask(), !self.peer.is_floor())?)
    }
}
