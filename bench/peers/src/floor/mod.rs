//! The floors: what passing bytes on costs when nobody reads them.
//!
//! A client's connection gets an upstream connection of its own, each app in turn, and what comes on one goes out on the
//! other: by read and write, or by splice(2) through a pipe. One thread, one event queue.

mod bytes;
mod pair;
mod pipe;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;

use mio::event::Event;
use mio::net::TcpListener;
use mio::{Events, Interest, Poll, Registry, Token};

use pair::Pair;

const LISTENER: Token = Token(usize::MAX - 1);
/// Bytes read at once.
const SCRATCH: usize = 256 * 1024;

/// Forwards until the process is ended.
pub fn run(listen: SocketAddr, to: &[SocketAddr], splice: bool) -> io::Result<()> {
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(listen)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let (to, pairs, scratch) = (to.to_vec(), HashMap::new(), vec![0; SCRATCH]);
    let mut floor = Floor { listener, to, splice, pairs, opened: 0, scratch };
    let mut events = Events::with_capacity(1024);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            polled => polled?,
        }
        for event in &events {
            match event.token() {
                LISTENER => floor.accept(poll.registry())?,
                Token(token) => floor.on_event(token, event),
            }
        }
    }
}

#[derive(Debug)]
struct Floor {
    listener: TcpListener,
    to: Vec<SocketAddr>,
    splice: bool,
    pairs: HashMap<usize, Pair>,
    opened: usize,
    scratch: Vec<u8>,
}

impl Floor {
    fn accept(&mut self, registry: &Registry) -> io::Result<()> {
        loop {
            match self.listener.accept() {
                Ok((client, _)) => {
                    let to = self.to[self.opened % self.to.len()];
                    let mut pair = Pair::new(client, to, self.splice)?;
                    pair.register(registry, Token(2 * self.opened), Token(2 * self.opened + 1))?;
                    self.pairs.insert(self.opened, pair);
                    self.opened += 1;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn on_event(&mut self, token: usize, event: &Event) {
        let number = token / 2;
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        if !matches!(pair.on_event(token % 2, event, &mut self.scratch), Ok(true)) {
            self.pairs.remove(&number);
        }
    }
}
