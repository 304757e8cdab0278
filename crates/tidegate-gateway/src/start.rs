//! What a gateway begins with: what is on disk and sockets of its own, or what the gateway that ran leaves to it.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use tidegate_core::model::RouteTable;
use tidegate_os::lock::{Lock, LockError};

use crate::epochs::Places;
use crate::gateway::{GatewayConfig, GatewayError, file_error};
use crate::guest::Rooms;
use crate::handover::{self, Elder, HTTP, HTTPS, Legacy, Listening};
use crate::listen;
use crate::table_file::load;

/// How long a process that was killed may take to let go of what it has, and how often that is looked for.
pub(crate) const ENDS_WITHIN: Duration = Duration::from_secs(2);
pub(crate) const LOOK: Duration = Duration::from_millis(5);

/// See the module.
pub(crate) struct Start {
    pub(crate) lock: Lock,
    pub(crate) table: RouteTable,
    /// A listener for each worker.
    pub(crate) plain: Vec<TcpListener>,
    /// As many for TLS, or none.
    pub(crate) tls: Vec<TcpListener>,
    /// Those of the guest.
    pub(crate) rooms: Rooms,
    /// Whose place this gateway takes.
    pub(crate) elder: Option<Elder>,
}

impl Start {
    /// Takes the directory, or the place of the gateway that has it.
    pub(crate) fn of(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let held = match take_lock(&config.dir) {
            Ok(lock) => return Start::alone(config, lock),
            Err(held) => held,
        };
        let (GatewayError::Held { .. }, Some(drain)) = (&held, config.take_over) else { return Err(held) };
        match handover::take(&config.dir, drain) {
            Ok(legacy) => Start::after(config, legacy),
            // It was killed in the middle: there is no place to be taken any more, only a free one.
            Err(error) => match patiently(|| take_lock(&config.dir)) {
                Ok(lock) => Start::alone(config, lock),
                Err(_) => Err(GatewayError::Handover(error)),
            },
        }
    }

    /// The addresses that the listeners share.
    pub(crate) fn places(&self) -> io::Result<Places> {
        let https = self.tls.first().map(TcpListener::local_addr).transpose()?;
        Ok(Places { address: self.plain[0].local_addr()?, https, guests: self.rooms.places() })
    }

    /// The same sockets again, for whoever takes this gateway's place.
    pub(crate) fn duplicates(&self) -> io::Result<Vec<(Listening, TcpListener)>> {
        let plain = self.plain.iter().map(|listener| (HTTP, listener));
        let all = plain.chain(self.tls.iter().map(|listener| (HTTPS, listener)));
        let duplicate = |(kind, listener): (&str, &TcpListener)| {
            let listening = Listening { kind: kind.to_owned(), address: listener.local_addr()? };
            Ok((listening, listener.try_clone()?))
        };
        let mut all = all.map(duplicate).collect::<io::Result<Vec<_>>>()?;
        all.extend(self.rooms.duplicates()?);
        Ok(all)
    }

    /// By what is on disk.
    fn alone(config: &GatewayConfig, lock: Lock) -> Result<Self, GatewayError> {
        let table = load(&config.dir)?;
        let workers = config.workers.max(1);
        let open = |address| move || enough(Vec::new(), address, workers);
        let (plain, tls) = match config.take_over {
            None => (open(config.listen)()?, config.https.map(|https| open(https)()).transpose()?),
            Some(_) => (
                patiently(open(config.listen))?,
                config.https.map(|https| patiently(open(https))).transpose()?,
            ),
        };
        let rooms = || Rooms::open(&config.dir, config.guest.as_ref(), Vec::new());
        let rooms = if config.take_over.is_some() { patiently(rooms)? } else { rooms()? };
        Ok(Start { lock, table, plain, tls: tls.unwrap_or_default(), rooms, elder: None })
    }

    /// With all the sockets the other one had, also where this one has fewer workers: connections may wait in each.
    fn after(config: &GatewayConfig, legacy: Legacy) -> Result<Self, GatewayError> {
        let Legacy { lock, listeners, table, elder } = legacy;
        let (rooms, own) =
            listeners.into_iter().partition::<Vec<_>, _>(|(listening, _)| Rooms::are_of(listening));
        let (tls, plain) = own.into_iter().partition::<Vec<_>, _>(|(listening, _)| listening.kind == HTTPS);
        let rooms = Rooms::open(&config.dir, config.guest.as_ref(), rooms)?;
        let plain = inherited(plain, config.listen)?;
        let mut tls = match config.https {
            Some(https) => inherited(tls, https)?,
            None => Vec::new(),
        };
        let workers = config.workers.max(plain.len()).max(tls.len());
        let plain = enough(plain, config.listen, workers)?;
        if let Some(https) = config.https {
            tls = enough(tls, https, workers)?;
        }
        Ok(Start { lock, table, plain, tls, rooms, elder: Some(elder) })
    }
}

/// Tries again while a process that was killed has not quite ended: its lock and its sockets go one after the other.
fn patiently<T>(mut attempt: impl FnMut() -> Result<T, GatewayError>) -> Result<T, GatewayError> {
    let until = Instant::now() + ENDS_WITHIN;
    loop {
        match attempt() {
            Err(error) if may_pass(&error) && Instant::now() < until => std::thread::sleep(LOOK),
            done => return done,
        }
    }
}

fn may_pass(error: &GatewayError) -> bool {
    match error {
        GatewayError::Held { .. } => true,
        GatewayError::Listen { source, .. } => source.kind() == io::ErrorKind::AddrInUse,
        _ => false,
    }
}

/// Listeners that were taken over, if they are where they are to be.
fn inherited(
    listeners: Vec<(Listening, TcpListener)>,
    asked: SocketAddr,
) -> Result<Vec<TcpListener>, GatewayError> {
    match listeners.iter().map(|(listening, _)| listening.address).find(|there| !is_same_place(*there, asked))
    {
        Some(there) => Err(GatewayError::Elsewhere { there, asked }),
        None => Ok(listeners.into_iter().map(|(_, listener)| listener).collect()),
    }
}

/// As many listeners as there are workers: those there are, and more of them on the same address.
fn enough(
    mut listeners: Vec<TcpListener>,
    address: SocketAddr,
    workers: usize,
) -> Result<Vec<TcpListener>, GatewayError> {
    let error = |source| GatewayError::Listen { address, source };
    let Some(first) = listeners.first() else {
        return listen::bind_all(address, workers).map_err(error);
    };
    let there = first.local_addr().map_err(error)?;
    while listeners.len() < workers {
        listeners.push(listen::bind(there).map_err(error)?);
    }
    Ok(listeners)
}

/// Port 0 asked for any port: whichever it got is right.
fn is_same_place(there: SocketAddr, asked: SocketAddr) -> bool {
    there.ip() == asked.ip() && (asked.port() == 0 || there.port() == asked.port())
}

fn take_lock(dir: &Path) -> Result<Lock, GatewayError> {
    let path = dir.join("lock");
    Lock::acquire(&path).map_err(|error| match error {
        LockError::Held { pid } => GatewayError::Held { pid, dir: dir.to_owned() },
        LockError::Io(source) => file_error(&path, source),
    })
}
