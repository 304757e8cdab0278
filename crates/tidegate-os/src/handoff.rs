//! Open descriptors from one process to another, over a unix socket.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, UnixAddr, recvmsg, sendmsg};

/// So many go in one message; the kernel takes 253.
const BATCH: usize = 64;
/// More than any process of ours hands over.
const MOST: usize = 4_096;

/// Sends descriptors: their number, then a byte with each batch of them. They stay open here.
pub fn send(mut stream: &UnixStream, descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let count = u32::try_from(descriptors.len()).map_err(io::Error::other)?;
    stream.write_all(&count.to_be_bytes())?;
    for batch in descriptors.chunks(BATCH) {
        let raw: Vec<RawFd> = batch.iter().map(AsRawFd::as_raw_fd).collect();
        let (bytes, rights) = ([IoSlice::new(&[0])], [ControlMessage::ScmRights(&raw)]);
        sendmsg::<UnixAddr>(stream.as_raw_fd(), &bytes, &rights, MsgFlags::MSG_NOSIGNAL, None)?;
    }
    Ok(())
}

/// Receives what [`send`] sent. They are closed by exec.
pub fn receive(mut stream: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut count = [0; 4];
    stream.read_exact(&mut count)?;
    let count = u32::from_be_bytes(count) as usize;
    if count > MOST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "more descriptors than anybody hands over"));
    }
    let mut received = Vec::with_capacity(count);
    while received.len() < count {
        let batch = receive_batch(stream)?;
        if batch.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received.extend(batch);
    }
    Ok(received)
}

fn receive_batch(stream: &UnixStream) -> io::Result<Vec<OwnedFd>> {
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!([RawFd; BATCH]);
    let message =
        recvmsg::<UnixAddr>(stream.as_raw_fd(), &mut bytes, Some(&mut space), MsgFlags::MSG_CMSG_CLOEXEC)?;
    let mut received = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(raw) = control {
            // SAFETY: the kernel has just made these descriptors for us; nobody else knows of them.
            received.extend(raw.into_iter().map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }));
        }
    }
    Ok(received)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    #[test]
    fn a_listener_goes_over_with_what_waits_in_its_queue() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"hello").unwrap();
        let many: Vec<BorrowedFd<'_>> = std::iter::repeat_n(listener.as_fd(), 150).collect();
        send(&ours, &many).unwrap();
        drop(listener);
        let mut received = receive(&theirs).unwrap();
        assert_eq!(received.len(), 150);
        let taken = TcpListener::from(received.remove(77));
        let mut heard = [0; 5];
        taken.accept().unwrap().0.read_exact(&mut heard).unwrap();
        assert_eq!(&heard, b"hello");
    }

    #[test]
    fn nonsense_is_refused() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"GET ").unwrap();
        assert_eq!(receive(&theirs).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(&[0, 0, 0, 1]).unwrap();
        drop(ours);
        assert!(receive(&theirs).is_err());
    }
}
