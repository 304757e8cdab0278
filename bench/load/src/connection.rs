//! Connections kept open between requests.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;

use tokio::net::TcpStream;

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    /// The socket.
    pub stream: TcpStream,
    /// Whether it has carried a request before.
    pub reused: bool,
}

impl Connection {
    /// Opens one.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, reused: false })
    }

    /// Whether the server has left it alone since its last answer: a close or a byte nobody asked for ends its use.
    fn is_quiet(&self) -> bool {
        let mut byte = [0];
        matches!(self.stream.try_read(&mut byte), Err(error) if error.kind() == io::ErrorKind::WouldBlock)
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
            if connection.is_quiet() {
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
