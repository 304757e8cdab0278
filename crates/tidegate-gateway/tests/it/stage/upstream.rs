//! An instance that says exactly the bytes its handler writes.

use std::io::{BufReader, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::client::{Message, read_body, read_head};

/// One accepted connection.
pub struct Connection {
    pub stream: TcpStream,
    pub reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn head(&mut self) -> Option<Message> {
        read_head(&mut self.reader).ok().flatten()
    }

    pub fn body(&mut self, head: Message) -> Option<Message> {
        read_body(&mut self.reader, head).ok()
    }

    pub fn request(&mut self) -> Option<Message> {
        let head = self.head()?;
        self.body(head)
    }

    pub fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }
}

pub struct Upstream {
    pub address: SocketAddr,
    pub connections: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Upstream {
    /// Runs the handler on each connection, in a thread of its own.
    pub fn new(handler: impl Fn(&mut Connection) + Send + Sync + 'static) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Upstream {
            address: listener.local_addr().unwrap(),
            connections: Arc::default(),
            stop: Arc::default(),
            open: Arc::default(),
        };
        let (stop, open, connections) =
            (upstream.stop.clone(), upstream.open.clone(), upstream.connections.clone());
        let handler = Arc::new(handler);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                let stream = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                open.lock().unwrap().push(stream.try_clone().unwrap());
                connections.fetch_add(1, Ordering::SeqCst);
                let handler = handler.clone();
                std::thread::spawn(move || {
                    let reader = BufReader::new(stream.try_clone().unwrap());
                    let mut connection = Connection { stream, reader };
                    handler(&mut connection);
                    let _ = connection.stream.shutdown(Shutdown::Both);
                });
            }
        });
        upstream
    }

    /// Answers every request with 200 and this text, for ever.
    pub fn saying(text: &'static str) -> Upstream {
        Upstream::new(move |connection| {
            while connection.request().is_some() {
                if !connection.say(ok(text)) {
                    return;
                }
            }
        })
    }

    /// Answers with the request it got: its first line, then its fields, sorted.
    pub fn echoing_heads() -> Upstream {
        Upstream::new(|connection| {
            while let Some(request) = connection.request() {
                let mut lines: Vec<String> =
                    request.fields.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                lines.sort();
                connection.say(ok(&format!("{}\n{}\n", request.line, lines.join("\n"))));
            }
        })
    }

    /// As a killed process: nothing is listened on and every connection ends.
    pub fn kill(&self) {
        self.stop.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.kill();
    }
}

pub fn ok(text: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
}

/// An address nobody listens on.
pub fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
