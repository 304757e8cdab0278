//! Where a client's connection goes once it is known who it is: to HTTP/2 or to HTTP/1.1. Every connection of a worker,
//! plain or after the TLS handshake, comes by here.

use std::pin::Pin;
use std::rc::Rc;

use bytes::Bytes;

use super::{Stream, Wire, connection, h2};
use crate::h1::{self, Served};
use crate::view::Peer;
use crate::worker::Worker;

/// How a client of HTTP/2 begins, as far as it looks like a head of HTTP/1 (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// Serves a connection to its end.
pub(crate) async fn serve(worker: Rc<Worker>, wire: Wire, peer: Peer) {
    let http2 = matches!(&wire, Wire::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2"));
    if http2 {
        return boxed(|| h2::serve(worker, Stream::new(wire, Bytes::new()), peer)).await;
    }
    let (mut wire, mut first) = (wire, true);
    loop {
        // Boxed, both of them: a quiet connection should not be as large as a busy one.
        match boxed(|| h1::serve(worker.clone(), wire, peer, first)).await {
            Served::Over => return,
            Served::Quiet { wire: quiet, first: none_yet } => (wire, first) = (quiet, none_yet),
            Served::General { stream, first } => {
                return boxed(|| serve_general(worker, stream, first, peer)).await;
            }
        }
        if !h1::wait(&worker, &mut wire, first).await {
            return;
        }
    }
}

/// Makes a future where it stays. Made in an `async` body and moved from there, it would have a place in that body too.
pub(crate) fn boxed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(make())
}

/// What the fast path does not take; `first`: from the first byte the client sent.
async fn serve_general(worker: Rc<Worker>, stream: Stream, first: bool, peer: Peer) {
    if first && stream.is_plain() && stream.begins_with(PREFACE) {
        h2::serve(worker, stream, peer).await
    } else {
        let _open = worker.open.general();
        connection::serve(worker, stream, peer, first).await
    }
}
