//! Where a client's connection goes once it is known who it is: to HTTP/2 or to HTTP/1.1. Every connection of a worker,
//! plain or after the TLS handshake, comes by here.

use std::io;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::net::TcpStream;

use super::{Stream, Wire, connection, h2};
use crate::view::Peer;
use crate::worker::Worker;

/// How a client of HTTP/2 begins (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Serves a connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, wire: Wire, peer: Peer) {
    match wire {
        Wire::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2") => {
            h2::serve(worker, Stream::new(Wire::Tls(stream), Bytes::new()), peer).await;
        }
        Wire::Plain(stream) => serve_plain(worker, stream, peer).await,
        wire @ Wire::Tls(_) => connection::serve(worker, Stream::new(wire, Bytes::new()), peer).await,
    }
}

async fn serve_plain(worker: Rc<Worker>, stream: TcpStream, peer: Peer) {
    let (read, preface) = tokio::select! {
        begun = begin(&stream, worker.limits.client_idle, worker.limits.head) => match begun {
            Ok(begun) => begun,
            Err(_) => return, // it went away, or never said anything
        },
        // What it says from now on is read as HTTP/1.1, which knows how to end a quiet connection.
        () = worker.draining() => (Bytes::new(), false),
    };
    let stream = Stream::new(Wire::Plain(stream), read);
    if preface {
        h2::serve(worker, stream, peer).await
    } else {
        connection::serve(worker, stream, peer).await
    }
}

/// Reads until the bytes are those of one protocol or the other: the first piece nearly always does. Returns them and
/// whether they are the preface of HTTP/2.
async fn begin(stream: &TcpStream, first: Duration, rest: Duration) -> io::Result<(Bytes, bool)> {
    let mut read = BytesMut::new();
    loop {
        let wait = if read.is_empty() { first } else { rest };
        tokio::time::timeout(wait, stream.readable()).await??;
        if !take(stream, &mut read)? {
            return Ok((read.freeze(), false));
        }
        let known = read.len().min(PREFACE.len());
        if read[..known] != PREFACE[..known] {
            return Ok((read.freeze(), false));
        }
        if known == PREFACE.len() {
            return Ok((read.freeze(), true));
        }
    }
}

/// Takes what is there; whether more may come. The buffer lives on the stack here, not in the waiting task.
fn take(stream: &TcpStream, read: &mut BytesMut) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    match stream.try_read(&mut buffer) {
        Ok(0) => Ok(false),
        Ok(length) => {
            read.extend_from_slice(&buffer[..length]);
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(true),
        Err(error) => Err(error),
    }
}
