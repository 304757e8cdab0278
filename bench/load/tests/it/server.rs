//! A server of threads whose answer to each request is chosen by the test.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate_load::target::Target;

/// One request as the server read it.
pub struct Seen {
    /// Which on its connection, from 0.
    pub nth: usize,
    /// Its `x-load-id`.
    pub id: String,
    /// Its body.
    pub body: Vec<u8>,
}

/// What the server does with a request.
pub enum Act {
    /// Sends these bytes and goes on.
    Send(Vec<u8>),
    /// Sends these bytes and closes.
    SendAndClose(Vec<u8>),
    /// Resets the connection.
    Reset,
    /// Says nothing for this long, then closes.
    Hang(Duration),
}

/// A running server; it stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Server {
    pub fn start(act: impl Fn(Seen) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let stopped = Arc::new(AtomicBool::new(false));
        let (act, stop) = (Arc::new(act), Arc::clone(&stopped));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let act = Arc::clone(&act);
                std::thread::spawn(move || serve(&stream.unwrap(), &*act));
            }
        });
        Server { address, stopped }
    }

    pub fn target(&self) -> Target {
        Target::resolve(&format!("http://{}/", self.address), None).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

pub fn answer(status: u16, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n{headers}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn serve(stream: &TcpStream, act: &dyn Fn(Seen) -> Act) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut nth = 0;
    while let Some(seen) = read(&mut reader, nth) {
        nth += 1;
        let mut writer = stream;
        match act(seen) {
            Act::Send(bytes) => {
                if writer.write_all(&bytes).is_err() {
                    return;
                }
            }
            Act::SendAndClose(bytes) => {
                let _ = writer.write_all(&bytes);
                return;
            }
            Act::Reset => {
                set_reset_on_close(stream);
                return;
            }
            Act::Hang(time) => return std::thread::sleep(time),
        }
    }
}

fn set_reset_on_close(stream: &TcpStream) {
    socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO)).unwrap();
}

fn read(reader: &mut BufReader<&TcpStream>, nth: usize) -> Option<Seen> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let (mut id, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some(("x-load-id", value)) => id = value.to_owned(),
            Some(("content-length", value)) => length = value.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Seen { nth, id, body })
}
