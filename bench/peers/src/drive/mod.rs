//! The load and the apps behind the proxies: one thread, one event queue for both.
//!
//! They share a processor, and a queue of their own for each would only add switches between them that the proxy under
//! test has to wait for. The apps are served while a load runs and at no other time; their connections stay open.
//!
//! It must not know which proxy it drives.

mod answer;
mod client;
mod clients;
mod link;
mod load;
mod pace;
mod slots;
#[cfg(test)]
mod tests;
mod upstream;

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};

pub use answer::body;
pub use client::Trouble;
pub use clients::Clients;
pub use load::{Load, Taken};
pub use pace::Pace;
use upstream::Upstreams;

/// Tokens from here on are those of the apps.
const UPSTREAM: usize = 1 << 40;
/// How long to wait for events before the clock is looked at again.
const LOOK: Duration = Duration::from_millis(5);
/// Events taken at once.
const EVENTS: usize = 1024;
/// How long requests in flight at the end of a run may take.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// A run with more failures than this is over: the proxy is not there.
const TROUBLE_LIMIT: u64 = 1_000;

/// See the module.
#[derive(Debug)]
pub struct Driver {
    poll: Poll,
    events: Events,
    upstreams: Upstreams,
}

impl Driver {
    /// Listens as the apps, on free ports of 127.0.0.1.
    pub fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let upstreams = Upstreams::listen(poll.registry())?;
        Ok(Driver { poll, events: Events::with_capacity(EVENTS), upstreams })
    }

    /// Where the apps listen.
    pub fn upstreams(&self) -> [SocketAddr; 2] {
        self.upstreams.addresses()
    }

    /// Keeps the next request whose head contains the mark, in place of what was kept before.
    pub fn keep_head_with(&mut self, mark: &str) {
        self.upstreams.keep_head_with(mark);
    }

    /// The head that was kept.
    pub fn kept_head(&self) -> Option<&[u8]> {
        self.upstreams.kept_head()
    }

    /// Puts the load on, without its warm-up in the account. `cpu` says what the proxy has used so far.
    pub fn run(&mut self, load: &Load, cpu: &mut dyn FnMut() -> Duration) -> io::Result<Taken> {
        let mut clients = Clients::new(load);
        self.turn_until(&mut clients, Instant::now() + load.warm_up)?;
        let (used, begun) = (cpu(), Instant::now());
        clients.begin_account();
        self.turn_until(&mut clients, begun + load.last)?;
        let (used, last) = (cpu().saturating_sub(used), begun.elapsed());
        let answered = clients.answered();
        clients.end();
        self.finish(&mut clients)?;
        Ok(clients.into_taken(answered, used, last))
    }

    /// Opens the connections of a load that asks once on each, and leaves them open.
    pub fn hold(&mut self, load: &Load, within: Duration) -> io::Result<Clients> {
        let mut clients = Clients::new(load);
        let deadline = Instant::now() + within;
        while clients.is_busy() && clients.troubles() == 0 && Instant::now() < deadline {
            self.turn(Some(&mut clients))?;
        }
        Ok(clients)
    }

    /// Serves the apps alone, until the closure says that it is over.
    pub fn serve_until(&mut self, mut over: impl FnMut() -> io::Result<bool>) -> io::Result<()> {
        let mut looked = Instant::now();
        while !over()? {
            while looked.elapsed() < LOOK {
                self.turn(None)?;
            }
            looked = Instant::now();
        }
        Ok(())
    }

    fn turn_until(&mut self, clients: &mut Clients, end: Instant) -> io::Result<()> {
        while Instant::now() < end && clients.troubles() < TROUBLE_LIMIT {
            self.turn(Some(clients))?;
        }
        Ok(())
    }

    fn finish(&mut self, clients: &mut Clients) -> io::Result<()> {
        let deadline = Instant::now() + LAST_ANSWERS;
        while clients.is_busy() && clients.troubles() < TROUBLE_LIMIT && Instant::now() < deadline {
            self.turn(Some(clients))?;
        }
        Ok(())
    }

    fn turn(&mut self, mut clients: Option<&mut Clients>) -> io::Result<()> {
        let registry = self.poll.registry();
        let wait = clients.as_deref_mut().map_or(LOOK, |clients| clients.prepare(registry));
        match self.poll.poll(&mut self.events, Some(wait)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            polled => polled?,
        }
        let registry = self.poll.registry();
        for event in &self.events {
            let Token(token) = event.token();
            match (token.checked_sub(UPSTREAM), clients.as_deref_mut()) {
                (Some(token), _) => self.upstreams.on_event(registry, token, event)?,
                (None, Some(clients)) => clients.on_event(registry, token, event),
                (None, None) => {}
            }
        }
        Ok(())
    }
}
