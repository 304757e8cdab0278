//! Connections kept open between requests.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::net::TcpStream;

use crate::stream::Stream;
use crate::tls::Tls;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// Its bytes.
    pub stream: Stream,
    /// Whether it has carried a request before.
    pub reused: bool,
}

impl Connection {
    /// Opens one.
    pub async fn open(address: SocketAddr, tls: Option<&Tls>) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream = match tls {
            None => Stream::Plain(stream),
            Some(tls) => Stream::Tls(Box::new(tls.connect(stream).await?)),
        };
        Ok(Connection { stream, reused: false })
    }
}

/// The idle connections, longest idle first, so that all of them stay in use.
#[derive(Debug, Default)]
pub struct Pool {
    idle: Mutex<VecDeque<Connection>>,
}

impl Pool {
    /// An idle connection that is still open, and how many were found closed by the server before it.
    pub fn take(&self) -> (Option<Connection>, u64) {
        let mut idle = self.idle.lock().expect("no holder of this lock can panic");
        let mut closed = 0;
        while let Some(connection) = idle.pop_front() {
            if connection.stream.is_quiet() {
                return (Some(connection), closed);
            }
            closed += 1;
        }
        (None, closed)
    }

    /// Keeps a connection for later. The caller bounds their number by bounding the requests in flight.
    pub fn put(&self, mut connection: Connection) {
        connection.reused = true;
        self.idle.lock().expect("no holder of this lock can panic").push_back(connection);
    }
}
