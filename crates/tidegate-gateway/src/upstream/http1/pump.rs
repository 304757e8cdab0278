//! An answer that begins before its request has ended: a task of its own carries both on, for a client may take nothing of
//! the one before it is through with the other.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::exchange::{Exchange, Fault};

type Piece = Result<Frame<Bytes>, Fault>;

/// The answer's body, as it comes from the task. Dropping it ends the exchange.
#[derive(Debug)]
pub(in crate::upstream) struct Pumped {
    pieces: mpsc::Receiver<Piece>,
    over: bool,
}

/// Starts the task.
pub(in crate::upstream) fn pump(exchange: Box<Exchange>) -> Pumped {
    let (to, pieces) = mpsc::channel(1);
    tokio::task::spawn_local(async move {
        tokio::select! {
            () = run(exchange, &to) => {}
            () = to.closed() => {}
        }
    });
    Pumped { pieces, over: false }
}

async fn run(mut exchange: Box<Exchange>, to: &mpsc::Sender<Piece>) {
    while let Some(piece) = poll_fn(|cx| exchange.poll_frame(cx)).await {
        let mut room = pin!(to.reserve());
        let room = poll_fn(|cx| {
            exchange.send_on(cx);
            room.as_mut().poll(cx)
        });
        match room.await {
            Ok(room) => room.send(piece),
            Err(_) => return,
        }
    }
}

impl Pumped {
    pub(in crate::upstream) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Piece>> {
        let polled = self.pieces.poll_recv(cx);
        self.over |= matches!(polled, Poll::Ready(None));
        polled
    }

    pub(in crate::upstream) fn is_over(&self) -> bool {
        self.over
    }
}
