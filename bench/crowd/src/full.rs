//! Far more connections than the gateway has descriptors for: it refuses the newest, and those it took stay served.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::example::Example;
use crate::server::Server;
use crate::size::Size;

/// An answer, or the refusal, must come within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// So many are closed in the end: as many new ones must find a place.
const FREED: usize = 500;

/// Plays it; whether everything was as promised.
pub fn play(tidegate: &Path, connections: usize, descriptors: usize) -> io::Result<bool> {
    let folder = tempfile::Builder::new().prefix("tidegate-crowd-").tempdir()?;
    let server = Server::start_limited(tidegate, folder.path(), descriptors)?;
    let seen = folder.path().join("seen");
    let example = Example::new("still", folder.path(), &seen, Size::QUICK)?;
    example.without_seen_log()?;
    server.deploy(example.path())?;
    let account = crowd(server.gateway, connections);
    let good = account.is_good(connections, descriptors);
    account.print(connections, descriptors);
    if !good {
        eprintln!("{}", server.logs());
    }
    server.stop()?;
    Ok(good)
}

#[derive(Debug)]
struct Account {
    /// Took and answered.
    taken: usize,
    /// Closed without an answer.
    refused: usize,
    /// Of those taken: answered again when all had come.
    kept: usize,
    /// The first refusal was of this number.
    first_refused: Option<usize>,
    /// New ones that found a place once some had gone, out of [`FREED`].
    later: usize,
    seconds: f64,
}

fn crowd(gateway: SocketAddr, connections: usize) -> Account {
    let begun = Instant::now();
    let mut first_refused = None;
    let mut taken = Vec::new();
    for number in 0..connections {
        match open(gateway) {
            Ok(stream) => taken.push(stream),
            Err(_) => {
                first_refused.get_or_insert(number);
            }
        }
    }
    let refused = connections - taken.len();
    let kept = taken.iter_mut().filter_map(|stream| ask(stream).ok()).count();
    let many = taken.len();
    taken.truncate(many.saturating_sub(FREED));
    let later = later(gateway);
    Account {
        taken: many,
        refused,
        kept,
        first_refused,
        later: later.len(),
        seconds: begun.elapsed().as_secs_f64(),
    }
}

/// New connections after some have gone, which the gateway may notice a moment later.
fn later(gateway: SocketAddr) -> Vec<TcpStream> {
    let until = Instant::now() + ANSWER_WITHIN;
    let mut found = Vec::new();
    while found.len() < FREED && Instant::now() < until {
        found.extend(open(gateway).ok());
    }
    found
}

/// A connection that was taken: it has had an answer.
fn open(gateway: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&gateway, ANSWER_WITHIN)?;
    stream.set_read_timeout(Some(ANSWER_WITHIN))?;
    ask(&mut stream)?;
    Ok(stream)
}

/// Asks, and reads the answer to its end.
fn ask(stream: &mut TcpStream) -> io::Result<()> {
    stream.write_all(b"GET /up HTTP/1.1\r\nhost: web.still.localhost\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while !answer.ends_with(b"\r\n\r\nhere\n") {
        match stream.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => answer.extend_from_slice(&part[..read]),
        }
    }
    if answer.starts_with(b"HTTP/1.1 200") { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

impl Account {
    fn is_good(&self, connections: usize, descriptors: usize) -> bool {
        let expected = connections > descriptors;
        // Those that were taken come first, and all of them stay.
        let newest = self.first_refused.is_none_or(|first| first == self.taken);
        let enough = self.taken >= descriptors / 3;
        expected == (self.refused > 0) && newest && enough && self.kept == self.taken && self.later == FREED
    }

    #[expect(clippy::print_stdout, reason = "this is what the program is for")]
    fn print(&self, connections: usize, descriptors: usize) {
        println!("connections opened    {connections:>7}   the gateway may have {descriptors} descriptors");
        println!("taken and answered    {:>7}", self.taken);
        println!("refused               {:>7}   the first was number {:?}", self.refused, self.first_refused);
        println!("answered once more    {:>7}", self.kept);
        println!("places found again    {:>7}   of {FREED} that were given up", self.later);
        println!("seconds               {:>9.1}", self.seconds);
    }
}
