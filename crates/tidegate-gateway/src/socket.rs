//! Reads and writes on TCP sockets, for both sides of the gateway. They go to the kernel as they are: libc makes a point
//! of cancellation of each, and entering and leaving it took 1.5 % of a small request.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// Where a buffer is filled from.
pub(crate) trait Source {
    /// Reads once. 0: the other side is done, or there is no room.
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>>;
}

/// What is there now.
pub(crate) fn recv(socket: impl AsFd, room: &mut [u8]) -> io::Result<usize> {
    Ok(rustix::net::recv(socket, room, RecvFlags::empty())?.1)
}

/// As much as there is room for now.
pub(crate) fn send(socket: impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SendFlags::NOSIGNAL)?)
}

/// The same with several pieces.
pub(crate) fn send_vectored(socket: impl AsFd, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
    let mut nothing = SendAncillaryBuffer::default();
    Ok(rustix::net::sendmsg(socket, pieces, &mut nothing, SendFlags::NOSIGNAL)?)
}

/// [`recv`] once there is something.
pub(crate) fn poll_recv(
    cx: &mut Context<'_>,
    stream: &TcpStream,
    room: &mut [u8],
) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_read_ready(cx))?;
        if let Some(read) = attempt(stream, Interest::READABLE, room.len(), || recv(stream, room)) {
            return Poll::Ready(read);
        }
    }
}

/// [`send`] once there is room.
pub(crate) fn poll_send(cx: &mut Context<'_>, stream: &TcpStream, bytes: &[u8]) -> Poll<io::Result<usize>> {
    loop {
        ready!(stream.poll_write_ready(cx))?;
        if let Some(sent) = attempt(stream, Interest::WRITABLE, bytes.len(), || send(stream, bytes)) {
            return Poll::Ready(sent);
        }
    }
}

/// [`send_vectored`] once there is room.
pub(crate) fn poll_send_vectored(
    cx: &mut Context<'_>,
    stream: &TcpStream,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let most = pieces.iter().map(|piece| piece.len()).sum();
    loop {
        ready!(stream.poll_write_ready(cx))?;
        if let Some(sent) = attempt(stream, Interest::WRITABLE, most, || send_vectored(stream, pieces)) {
            return Poll::Ready(sent);
        }
    }
}

/// `None`: the socket was not ready after all. One that moves less than `most` has no more, or no more room: telling
/// the event loop now spares the call that would find it out.
fn attempt(
    stream: &TcpStream,
    interest: Interest,
    most: usize,
    go: impl FnOnce() -> io::Result<usize>,
) -> Option<io::Result<usize>> {
    let mut moved = None;
    let tried = stream.try_io(interest, || {
        let count = go()?;
        moved = Some(count);
        if (1..most).contains(&count) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(count) }
    });
    match (moved, tried) {
        (Some(count), _) => Some(Ok(count)),
        (None, Err(error)) if error.kind() == io::ErrorKind::WouldBlock => None,
        (None, tried) => Some(tried),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    #[tokio::test]
    async fn what_comes_after_a_short_read_is_read_too() {
        let (near, mut far) = pair().await;
        let mut room = [0; 8];
        for said in [&b"one"[..], b"two", b"eight by"] {
            far.write_all(said).await.unwrap();
            let count = poll_fn(|cx| poll_recv(cx, &near, &mut room)).await.unwrap();
            assert_eq!(&room[..count], said);
        }
        drop(far);
        assert_eq!(poll_fn(|cx| poll_recv(cx, &near, &mut room)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn a_full_socket_is_waited_for() {
        let (near, mut far) = pair().await;
        let bytes: Vec<u8> = (0..8 << 20).map(|at: u32| (at % 251) as u8).collect();
        let write = async {
            let mut at = 0;
            while at < bytes.len() {
                let (one, two) = bytes[at..].split_at((bytes.len() - at) / 2);
                let pieces = [IoSlice::new(one), IoSlice::new(two)];
                at += poll_fn(|cx| poll_send_vectored(cx, &near, &pieces)).await.unwrap();
                let next = &bytes[at..(at + 1000).min(bytes.len())];
                at += poll_fn(|cx| poll_send(cx, &near, next)).await.unwrap();
            }
        };
        let mut read = vec![0; bytes.len()];
        let ((), count) = tokio::join!(write, far.read_exact(&mut read));
        assert_eq!(count.unwrap(), bytes.len());
        assert!(read == bytes, "bytes were lost or changed");
    }
}
