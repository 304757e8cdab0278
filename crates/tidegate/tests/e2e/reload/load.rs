//! Steady load: each client sends on a timetable and keeps when it asked and how long the answer took.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::table::{HOSTS, host};

/// When a request was sent, and how long its answer took.
pub type Asked = (Instant, Duration);

/// Runs until it is finished.
pub struct Load {
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Vec<Asked>>>,
}

impl Load {
    /// So many clients, each with a connection of its own and one request in each `every`, to all hosts in turn.
    pub fn start(gateway: SocketAddr, clients: usize, every: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let begin = |number| {
            let stop = stop.clone();
            let first = Instant::now() + every * number / clients as u32;
            std::thread::spawn(move || ask(gateway, number as usize * 61, first, every, &stop))
        };
        Load { clients: (0..clients as u32).map(begin).collect(), stop }
    }

    /// Stops it; what was asked.
    pub fn finish(self) -> Vec<Asked> {
        self.stop.store(true, Ordering::SeqCst);
        self.clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    }
}

fn ask(at: SocketAddr, first: usize, begin: Instant, every: Duration, stop: &AtomicBool) -> Vec<Asked> {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let (mut asked, mut planned) = (Vec::new(), begin);
    while !stop.load(Ordering::SeqCst) {
        // Late because of the answer before: the wait counts. Late because of the sleep: it does not.
        let late = Instant::now() > planned;
        std::thread::sleep(planned.saturating_duration_since(Instant::now()));
        let sent = if late { planned } else { Instant::now() };
        let number = first + asked.len();
        let head =
            format!("GET / HTTP/1.1\r\nHost: {}\r\nCookie: session={number}\r\n\r\n", host(number % HOSTS));
        stream.write_all(head.as_bytes()).unwrap();
        answered(&mut stream);
        asked.push((sent, sent.elapsed()));
        planned += every;
    }
    asked
}

fn answered(stream: &mut TcpStream) {
    let (mut heard, mut some) = (Vec::new(), [0; 2_048]);
    while !heard.ends_with(b"answered") {
        let read = stream.read(&mut some).unwrap();
        assert!(read > 0, "the gateway closed: {}", String::from_utf8_lossy(&heard));
        heard.extend_from_slice(&some[..read]);
    }
    assert!(heard.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&heard));
}
