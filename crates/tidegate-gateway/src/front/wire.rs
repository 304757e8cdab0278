//! A client's connection itself: bytes in and out, with or without TLS.

use std::io;
use std::mem;
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::socket::{self, Source};

/// See the module.
#[derive(Debug)]
pub(crate) enum Wire {
    /// Not known to the event loop yet, which is told only where something has to be waited for. A client that comes
    /// with one request and goes with its answer is served without: that spares two calls of the system.
    Fresh(std::net::TcpStream),
    /// Bytes as they are.
    Plain(TcpStream),
    /// After the handshake.
    Tls(Box<TlsStream<TcpStream>>),
    /// The event loop would not have it.
    Lost,
}

impl Wire {
    /// Whether the event loop does not know of it: nothing that happens to it wakes anybody.
    pub(crate) fn is_fresh(&self) -> bool {
        matches!(self, Wire::Fresh(_))
    }

    /// Whether a fresh client has sent more than was read: of one that the event loop watches it would be known.
    pub(crate) fn has_unseen(&self) -> bool {
        matches!(self, Wire::Fresh(stream) if stream.peek(&mut [0]).is_ok_and(|count| count > 0))
    }

    /// Tells the event loop of it.
    pub(crate) fn watch(&mut self) -> io::Result<()> {
        *self = match mem::replace(self, Wire::Lost) {
            Wire::Fresh(stream) => Wire::Plain(TcpStream::from_std(stream)?),
            known => known,
        };
        Ok(())
    }

    /// The socket, known to the event loop.
    pub(crate) fn socket(&mut self) -> io::Result<&TcpStream> {
        if self.is_fresh() {
            self.watch()?;
        }
        match self {
            Wire::Plain(stream) => Ok(stream),
            Wire::Tls(stream) => Ok(stream.get_ref().0),
            Wire::Fresh(_) | Wire::Lost => Err(lost()),
        }
    }

    /// As `go` finds it without waiting; `None` where it is to be waited for, which the event loop knows then.
    fn at_once(
        &mut self,
        go: impl FnOnce(&std::net::TcpStream) -> io::Result<usize>,
    ) -> Option<io::Result<usize>> {
        let Wire::Fresh(stream) = self else { return None };
        match go(stream) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.watch().err().map(Err),
            done => Some(done),
        }
    }
}

fn lost() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl Source for Wire {
    fn poll_fill(&mut self, cx: &mut Context<'_>, room: &mut [u8]) -> Poll<io::Result<usize>> {
        if let Some(read) = self.at_once(|stream| socket::recv(stream, room)) {
            return Poll::Ready(read);
        }
        match self {
            Wire::Plain(stream) => socket::poll_recv(cx, stream, room),
            Wire::Tls(stream) => {
                let mut room = ReadBuf::new(room);
                Pin::new(&mut **stream).poll_read(cx, &mut room).map_ok(|()| room.filled().len())
            }
            Wire::Fresh(_) | Wire::Lost => Poll::Ready(Err(lost())),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_fresh() {
            self.watch()?;
        }
        match self.get_mut() {
            Wire::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Wire::Tls(stream) => Pin::new(&mut **stream).poll_read(cx, buf),
            Wire::Fresh(_) | Wire::Lost => Poll::Ready(Err(lost())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(sent) = self.at_once(|stream| socket::send(stream, bytes)) {
            return Poll::Ready(sent);
        }
        match self.get_mut() {
            Wire::Plain(stream) => socket::poll_send(cx, stream, bytes),
            Wire::Tls(stream) => Pin::new(&mut **stream).poll_write(cx, bytes),
            Wire::Fresh(_) | Wire::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let Some(sent) = self.at_once(|stream| socket::send_vectored(stream, pieces)) {
            return Poll::Ready(sent);
        }
        match self.get_mut() {
            Wire::Plain(stream) => socket::poll_send_vectored(cx, stream, pieces),
            Wire::Tls(stream) => Pin::new(&mut **stream).poll_write_vectored(cx, pieces),
            Wire::Fresh(_) | Wire::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Fresh(_) | Wire::Plain(_) => Poll::Ready(Ok(())),
            Wire::Tls(stream) => Pin::new(&mut **stream).poll_flush(cx),
            Wire::Lost => Poll::Ready(Err(lost())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Fresh(stream) => Poll::Ready(stream.shutdown(Shutdown::Write)),
            Wire::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Wire::Tls(stream) => Pin::new(&mut **stream).poll_shutdown(cx),
            Wire::Lost => Poll::Ready(Err(lost())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream as Std};

    fn fresh() -> (Std, Wire) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = Std::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = listener.accept().unwrap();
        stream.set_nonblocking(true).unwrap();
        (client, Wire::Fresh(stream))
    }

    async fn fill(wire: &mut Wire) -> String {
        let mut room = [0; 16];
        let count = poll_fn(|cx| wire.poll_fill(cx, &mut room)).await.unwrap();
        String::from_utf8_lossy(&room[..count]).into_owned()
    }

    #[tokio::test]
    async fn what_is_there_is_read_without_the_event_loop() {
        let (mut client, mut wire) = fresh();
        assert!(!wire.has_unseen());
        client.write_all(b"one").unwrap();
        assert!(wire.has_unseen() && wire.is_fresh());
        assert_eq!(fill(&mut wire).await, "one");
        assert!(wire.is_fresh());
    }

    #[tokio::test]
    async fn what_is_not_there_yet_is_waited_for() {
        let (mut client, mut wire) = fresh();
        let read = tokio::spawn(async move { (fill(&mut wire).await, fill(&mut wire).await, wire) });
        tokio::task::yield_now().await;
        client.write_all(b"two").unwrap();
        drop(client);
        let (said, end, wire) = read.await.unwrap();
        assert_eq!((said.as_str(), end.as_str(), wire.is_fresh()), ("two", "", false));
    }
}
