//! An HTTP body fed through a channel: what the server streams to followers and the client uploads.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

/// The reading end. The body ends when every sender is gone.
pub(crate) struct ChannelBody<E = Infallible>(mpsc::Receiver<Result<Bytes, E>>);

/// A body and the sender that feeds it, at most `ahead` chunks ahead of the reader.
pub(crate) fn channel_body<E>(ahead: usize) -> (mpsc::Sender<Result<Bytes, E>>, ChannelBody<E>) {
    let (sender, receiver) = mpsc::channel(ahead);
    (sender, ChannelBody(receiver))
}

impl<E> Body for ChannelBody<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        self.0.poll_recv(context).map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}
