//! The proxies at work: started, checked, and measured in turn.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit};
use rustls::ClientConfig;
use tempfile::TempDir;

use crate::case::{Ask, Case, Kind};
use crate::check::{CheckError, check, check_http2};
use crate::drive::{Clients, Driver, Load, Pace};
use crate::figures::{Figures, middle};
use crate::h2load;
use crate::peer::{Given, Peer, Place};
use crate::processors::Processors;
use crate::running::{Running, StartError};
use crate::tls;

/// The share of HAProxy's best rate at which latencies are compared.
const OPEN_SHARE: f64 = 0.7;
/// Idle connections, a few and many.
const FEW: usize = 2_000;
const MANY: usize = 10_000;
/// Those that are open before memory is looked at first.
const FIRST: usize = 64;
/// How long opening them may take.
const OPEN_WITHIN: Duration = Duration::from_secs(60);

/// How long connections that have asked are left alone before they count as idle.
const SETTLE: Duration = Duration::from_secs(2);

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

/// The outcome of a case: figures of each proxy, or why there are none.
pub type Outcome<T> = BTreeMap<Peer, Result<T, String>>;

/// KiB of resident memory for each connection, by how many there were.
pub type PerConnection = BTreeMap<usize, f64>;

/// What a case led to.
#[derive(Debug)]
pub enum Measured {
    /// Requests and how long they took. At an open pace also how many a second.
    Speed(Outcome<Figures>, Option<f64>),
    /// Memory.
    Memory(Outcome<PerConnection>),
}

/// See the module.
#[derive(Debug)]
pub struct Contest {
    driver: Driver,
    effort: Effort,
    given: Given,
    processors: Option<Processors>,
    tls: Arc<ClientConfig>,
    running: Vec<Running>,
    absent: BTreeMap<Peer, String>,
    /// Holds the proxies' directories; dropped after them.
    dir: TempDir,
}

impl Contest {
    /// Starts the proxies. `tidegate` is the gateway's program, and `before` that of another build. Those that do not come are named in each outcome.
    pub fn begin(
        peers: &[Peer],
        (tidegate, before): (&Path, Option<&Path>),
        programs: Option<&Path>,
        processors: Option<Processors>,
        effort: Effort,
    ) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("tidegate-peers-").tempdir()?;
        let certs = tls::write_certificate(dir.path())?;
        let (tidegate, before) = (tidegate.to_owned(), before.map(Path::to_owned));
        let given = Given { tidegate, before, programs: programs.map(Path::to_owned), certs };
        let (driver, tls) = (Driver::new()?, tls::client_config()?);
        let (running, absent) = (Vec::new(), BTreeMap::new());
        let mut contest = Contest { driver, effort, given, processors, tls, running, absent, dir };
        for peer in peers.iter().copied() {
            match contest.start(peer) {
                Ok(started) => contest.running.push(started),
                Err(error) => drop(contest.absent.insert(peer, error.to_string())),
            }
        }
        Ok(contest)
    }

    /// Measures every proxy that takes part in the case.
    pub fn measure(&mut self, case: Case) -> io::Result<Measured> {
        let measured = match case.kind() {
            Kind::Closed(ask) => Measured::Speed(self.closed(case, ask, Pace::Closed)?, None),
            Kind::Http2 { secure } => Measured::Speed(self.http2(case, secure)?, None),
            Kind::Open(ask) => self.open(case, ask)?,
            Kind::Idle(ask) => Measured::Memory(self.idle(case, ask)?),
        };
        eprint!("\r{:<50}\r", "");
        Ok(measured)
    }

    fn closed(&mut self, case: Case, ask: Ask, pace: Pace) -> io::Result<Outcome<Figures>> {
        let (effort, tls) = (self.effort.clone(), self.tls.clone());
        let tls = ask.secure.then_some(tls);
        let see = |driver: &mut Driver, running: &Running| check(driver, running, ask, tls.clone());
        self.in_turn(case, see, |driver, running| {
            let load = effort.load(running, ask, tls.clone(), pace);
            driver.run(&load, &mut || running.process.cpu()).map(|taken| Figures::of(&taken))
        })
    }

    fn http2(&mut self, case: Case, secure: bool) -> io::Result<Outcome<Figures>> {
        let (connections, last) = (self.effort.connections, Some(self.effort.last));
        let run = h2load::Run { path: "/api", secure, connections, last };
        let see = |driver: &mut Driver, running: &Running| check_http2(driver, running, secure);
        self.in_turn(case, see, |driver, running| h2load::run(driver, running, run))
    }

    /// At a share of what HAProxy does at its best, which is measured first.
    fn open(&mut self, case: Case, ask: Ask) -> io::Result<Measured> {
        let mut best = Vec::new();
        for _ in 0..self.effort.rounds {
            let Some(haproxy) = self.running.iter().find(|running| running.peer == Peer::Haproxy) else {
                break;
            };
            let load = self.effort.load(haproxy, ask, None, Pace::Closed);
            best.push(Figures::of(&self.driver.run(&load, &mut || haproxy.process.cpu())?).rate);
        }
        let rate = OPEN_SHARE * middle(best);
        if rate > 0.0 {
            return Ok(Measured::Speed(self.closed(case, ask, Pace::Open(rate))?, Some(rate)));
        }
        let none = "its pace is HAProxy's, which does not run";
        let all = self.running.iter().map(|running| running.peer).filter(|peer| peer.takes_part(case));
        Ok(Measured::Speed(all.map(|peer| (peer, Err(none.to_owned()))).collect(), None))
    }

    /// Each proxy is started anew for each number of connections: memory is seldom given back.
    fn idle(&mut self, case: Case, ask: Ask) -> io::Result<Outcome<PerConnection>> {
        let mut outcome = self.absent_in(case);
        let peers: Vec<Peer> = self.running.iter().map(|running| running.peer).collect();
        for peer in peers.into_iter().filter(|peer| peer.takes_part(case)) {
            eprint!("\r{}: {:<20}", case.name(), peer.name());
            outcome.insert(peer, self.idle_of(peer, ask));
        }
        Ok(outcome)
    }

    fn idle_of(&mut self, peer: Peer, ask: Ask) -> Result<PerConnection, String> {
        let mut all = PerConnection::new();
        for connections in [FEW, many()?] {
            let running = self.start(peer).map_err(|error| error.to_string())?;
            check(&mut self.driver, &running, ask, None).map_err(|error| error.to_string())?;
            // A first crowd: code is loaded, and pools are filled, when they are first used.
            let first = self.held(&running, ask, FIRST)?;
            self.settle()?;
            let rest = running.process.resident_kib();
            drop(first);
            let _held = self.held(&running, ask, connections)?;
            self.settle()?;
            let more = running.process.resident_kib().saturating_sub(rest);
            all.insert(connections, more as f64 / connections.saturating_sub(FIRST).max(1) as f64);
        }
        Ok(all)
    }

    /// Connections that have had their answer, and stay open.
    fn held(&mut self, running: &Running, ask: Ask, connections: usize) -> Result<Clients, String> {
        let load = Load { connections, ..self.effort.load(running, ask, None, Pace::Once) };
        let held = self.driver.hold(&load, OPEN_WITHIN).map_err(|error| error.to_string())?;
        if held.is_busy() || held.troubles() > 0 {
            return Err(format!("{connections} connections cannot be held open: {}", held.trouble_words()));
        }
        Ok(held)
    }

    /// Lets connections that have just asked become idle ones.
    fn settle(&mut self) -> Result<(), String> {
        let until = Instant::now() + SETTLE;
        self.driver.serve_until(|| Ok(Instant::now() >= until)).map_err(|error| error.to_string())
    }

    /// Checks every proxy that takes part, then measures each in turn, round after round. What the first round finds does
    /// not count: a proxy may want to know its instances for a while before it trusts them with everything.
    fn in_turn(
        &mut self,
        case: Case,
        see: impl Fn(&mut Driver, &Running) -> Result<(), CheckError>,
        mut once: impl FnMut(&mut Driver, &Running) -> io::Result<Figures>,
    ) -> io::Result<Outcome<Figures>> {
        let mut outcome = self.absent_in(case);
        for running in self.running.iter().filter(|running| running.peer.takes_part(case)) {
            if let Err(why) = see(&mut self.driver, running) {
                outcome.insert(running.peer, Err(why.to_string()));
            }
        }
        let mut rounds: BTreeMap<Peer, Vec<Figures>> = BTreeMap::new();
        for round in 0..=self.effort.rounds {
            let able = self.running.iter().filter(|running| running.peer.takes_part(case));
            for running in able.filter(|running| !outcome.contains_key(&running.peer)) {
                eprint!(
                    "\r{}: round {round} of {}: {:<20}",
                    case.name(),
                    self.effort.rounds,
                    running.peer.name()
                );
                let figures = once(&mut self.driver, running)?;
                if round > 0 {
                    rounds.entry(running.peer).or_default().push(figures);
                }
            }
        }
        outcome.extend(rounds.into_iter().map(|(peer, rounds)| (peer, Ok(Figures::middle(&rounds)))));
        Ok(outcome)
    }

    fn absent_in<T>(&self, case: Case) -> Outcome<T> {
        let absent = self.absent.iter().filter(|(peer, _)| peer.takes_part(case));
        absent.map(|(peer, why)| (*peer, Err(why.clone()))).collect()
    }

    fn start(&self, peer: Peer) -> Result<Running, StartError> {
        let dir = tempfile::Builder::new().prefix(peer.name()).tempdir_in(self.dir.path())?.keep();
        let place = Place::new(peer, &dir, self.driver.upstreams(), &self.given)?;
        Running::start(peer, place, self.processors)
    }
}

impl Effort {
    fn load(&self, running: &Running, ask: Ask, tls: Option<Arc<ClientConfig>>, pace: Pace) -> Load {
        Load {
            to: running.entry(ask.secure),
            request: ask.request(),
            answer_length: ask.answer_length,
            connections: self.connections,
            fresh: ask.fresh,
            tls,
            pace,
            warm_up: self.warm_up,
            last: self.last,
        }
    }
}

/// Many connections, or so many as a proxy that keeps a descriptor for the instance of each can hold here.
fn many() -> Result<usize, String> {
    let (_, files) = getrlimit(Resource::RLIMIT_NOFILE).map_err(|error| error.to_string())?;
    Ok(MANY.min(usize::try_from(files.saturating_sub(1_000) / 2).unwrap_or(MANY)))
}
