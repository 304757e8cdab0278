//! Clients of HTTP/2 that mean harm, frame by frame. A gateway in a process of its own must let go of each, and may spend
//! neither memory nor time on it that somebody would notice.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;
use crate::stage::{Process, connected, link, until};

/// Most that one flood may cost, for all of its bytes.
const MEMORY: u64 = 24 << 20;
const CPU: Duration = Duration::from_secs(4);
/// A flood that is not stopped goes on to here.
const MOST_SENT: usize = 64 << 20;

fn frame(kind: u8, flags: u8, stream: u32, content: &[u8]) -> Vec<u8> {
    let mut bytes = (content.len() as u32).to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(content);
    bytes
}

/// `GET / http a` in HPACK: indexed but for the authority.
const HEAD: &[u8] = &[0x82, 0x84, 0x86, 0x41, 1, b'a'];

/// Preface, and SETTINGS with this content.
fn hello(settings: &[u8]) -> Vec<u8> {
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, settings)].concat()
}

struct Under {
    process: Process,
    address: SocketAddr,
    _upstream: Upstream,
    _dir: tempfile::TempDir,
}

impl Under {
    fn new() -> Under {
        let dir = tempfile::tempdir().unwrap();
        let upstream = Upstream::saying("fine");
        let process = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
        let (link, _) = link(dir.path());
        let address = connected(&link);
        link.push(&table(1, &[("web-1", upstream.address)]));
        until("the table is used", || (link.observe().acked == 1).then_some(()));
        assert_eq!(Client::new(address).get("a", "/").text(), "fine");
        Under { process, address, _upstream: upstream, _dir: dir }
    }

    fn resident(&self) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/statm", self.process.0.id())).unwrap();
        text.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
    }

    fn spent(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.process.0.id())).unwrap();
        let fields: Vec<u64> = text
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .filter_map(|field| field.parse().ok())
            .collect();
        // After the state, which is no number: utime is the eleventh.
        Duration::from_millis((fields[10] + fields[11]) * 10)
    }

    /// Sends pieces until the gateway lets go; how many bytes that took.
    fn flood(&self, hello: &[u8], mut piece: impl FnMut(u32) -> Vec<u8>) -> usize {
        let (memory, time) = (self.resident(), self.spent());
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut drain = stream.try_clone().unwrap();
        let reading = std::thread::spawn(move || while matches!(drain.read(&mut [0; 65_536]), Ok(1..)) {});
        stream.write_all(hello).unwrap();
        let (mut sent, mut turn, mut peak) = (0, 0, 0);
        let stopped = loop {
            let bytes: Vec<u8> = (0..64)
                .flat_map(|_| {
                    turn += 1;
                    piece(turn)
                })
                .collect();
            match stream.write_all(&bytes) {
                Err(error) => break error.kind() != ErrorKind::WouldBlock,
                Ok(()) if sent > MOST_SENT => break false,
                Ok(()) => sent += bytes.len(),
            }
            if turn % 4_096 == 0 {
                peak = peak.max(self.resident());
            }
        };
        peak = peak.max(self.resident());
        assert!(stopped, "{sent} bytes were taken");
        reading.join().unwrap();
        let (grown, spent) = (peak.saturating_sub(memory), self.spent() - time);
        assert!(grown < MEMORY, "{grown} bytes of memory");
        assert!(spent < CPU, "{spent:?} of CPU");
        assert_eq!(Client::new(self.address).get("a", "/").text(), "fine", "others are served");
        sent
    }
}

#[test]
fn frames_that_carry_nothing() {
    let under = Under::new();
    let hello = hello(&[]);
    under.flood(&hello, |_| frame(6, 0, 0, &[0; 8]));
    under.flood(&hello, |_| frame(4, 0, 0, &[]));
    under.flood(&hello, |_| frame(2, 0, 1, &[0, 0, 0, 0, 1]));
    under.flood(&hello, |_| frame(8, 0, 0, &[0, 0, 0, 1]));
    let opened = [&hello[..], &frame(1, 4, 1, &[0x83, 0x84, 0x86, 0x41, 1, b'a'])].concat();
    under.flood(&opened, |_| frame(0, 0, 1, &[]));
}

#[test]
fn requests_that_are_taken_back_at_once() {
    let under = Under::new();
    under.flood(&hello(&[]), |turn| {
        let stream = turn * 2 - 1;
        [frame(1, 5, stream, HEAD), frame(3, 0, stream, &[0, 0, 0, 8])].concat()
    });
}

#[test]
fn a_head_without_end() {
    let under = Under::new();
    let opened = [&hello(&[])[..], &frame(1, 0, 1, HEAD)].concat();
    // Literal fields without indexing: they count towards the head's size …
    let mut field = vec![0, 1, b'x', 100];
    field.extend([b'y'; 100]);
    let fields = field.repeat(20);
    under.flood(&opened, |_| frame(9, 0, 1, &fields));
    // … and empty pieces, which do not.
    under.flood(&opened, |_| frame(9, 0, 1, &[]));
}

#[test]
fn answers_that_are_asked_for_and_not_taken() {
    let under = Under::new();
    // A window of nothing for every stream: answers wait, and only so many.
    let memory = under.resident();
    let mut stream = TcpStream::connect(under.address).unwrap();
    stream.write_all(&hello(&[0, 4, 0, 0, 0, 0])).unwrap();
    // Whoever is refused so often may be sent away before the last of them.
    let sent = (0..1_000_u32).try_for_each(|number| stream.write_all(&frame(1, 5, number * 2 + 1, HEAD)));
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    let mut refused = 0;
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = stream.read(&mut bytes) {
        refused += bytes[..read].windows(5).filter(|head| head[..5] == [0, 0, 4, 3, 0]).count();
        assert!(Instant::now() < until);
    }
    assert!(refused >= 200 || sent.is_err(), "beyond the limit of streams requests are refused: {refused}");
    let grown = under.resident().saturating_sub(memory);
    assert!(grown < MEMORY, "{grown} bytes of memory");
    assert_eq!(Client::new(under.address).get("a", "/").text(), "fine");
}
