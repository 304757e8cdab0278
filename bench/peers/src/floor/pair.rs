//! A client's connection and the upstream connection that belongs to it.

use std::io;
use std::net::{Shutdown, SocketAddr};

use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use super::bytes::Bytes;
use super::pipe::Pipe;

/// See the module.
#[derive(Debug)]
pub(super) struct Pair {
    ends: [TcpStream; 2],
    /// From the end of that number to the other.
    ways: [Way; 2],
}

#[derive(Debug)]
struct Way {
    hose: Hose,
    state: State,
}

#[derive(Debug)]
enum Hose {
    Bytes(Bytes),
    Pipe(Pipe),
}

/// Where a way stands after it carried what it could.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// There was nothing more to read.
    Empty,
    /// There was no room to write.
    Full,
    /// The end of what comes has gone out.
    Ended,
}

impl Pair {
    pub(super) fn new(client: TcpStream, to: SocketAddr, splice: bool) -> io::Result<Self> {
        let upstream = TcpStream::connect(to)?;
        client.set_nodelay(true)?;
        upstream.set_nodelay(true)?;
        Ok(Pair { ends: [client, upstream], ways: [Way::new(splice)?, Way::new(splice)?] })
    }

    pub(super) fn register(&mut self, registry: &Registry, client: Token, upstream: Token) -> io::Result<()> {
        let [one, two] = &mut self.ends;
        registry.register(one, client, Interest::READABLE | Interest::WRITABLE)?;
        registry.register(two, upstream, Interest::READABLE | Interest::WRITABLE)
    }

    /// Carries what an event at one end allows; says whether there is more to come at all.
    pub(super) fn on_event(&mut self, end: usize, event: &Event, scratch: &mut [u8]) -> io::Result<bool> {
        if event.is_readable() || event.is_read_closed() {
            self.carry(end, event.is_read_closed(), scratch)?;
        }
        // An event tells of room whenever there is some: it matters to who waits for it.
        if event.is_writable() && self.ways[1 - end].state == State::Full {
            self.carry(1 - end, true, scratch)?;
        }
        Ok(self.ways.iter().any(|way| way.state != State::Ended))
    }

    fn carry(&mut self, from: usize, closing: bool, scratch: &mut [u8]) -> io::Result<()> {
        let way = &mut self.ways[from];
        if way.state == State::Ended {
            return Ok(());
        }
        let (from, to) = (&self.ends[from], &self.ends[1 - from]);
        way.state = match &mut way.hose {
            Hose::Bytes(bytes) => bytes.carry(from, to, closing, scratch)?,
            Hose::Pipe(pipe) => pipe.carry(from, to)?,
        };
        if way.state == State::Ended {
            to.shutdown(Shutdown::Write)?;
        }
        Ok(())
    }
}

impl Way {
    fn new(splice: bool) -> io::Result<Self> {
        let hose = if splice { Hose::Pipe(Pipe::new()?) } else { Hose::Bytes(Bytes::default()) };
        Ok(Way { hose, state: State::Empty })
    }
}
