//! Connections of probes that have their answer: read out for a moment, so that the app is not cut off in mid-sentence.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};

/// What is read of an answer beyond its first line, and for how long.
const MOST: usize = 64 << 10;
const FOR_MS: u64 = 500;
/// As many at a time; the oldest is cut off.
const AT_ONCE: usize = 64;

/// The connections.
#[derive(Default)]
pub(super) struct Linger {
    open: Vec<(TcpStream, usize, u64)>,
}

impl Linger {
    pub(super) fn add(&mut self, stream: TcpStream, now_ms: u64) {
        if self.open.len() >= AT_ONCE {
            self.open.remove(0);
        }
        self.open.push((stream, MOST, now_ms + FOR_MS));
        self.read(now_ms);
    }

    pub(super) fn read(&mut self, now_ms: u64) {
        self.open.retain_mut(|(stream, left, until_ms)| *until_ms > now_ms && still_open(stream, left));
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.open.iter().map(|(stream, ..)| stream.as_fd())
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        self.open.iter().map(|(.., until_ms)| *until_ms).min()
    }
}

fn still_open(stream: &mut TcpStream, left: &mut usize) -> bool {
    let mut chunk = [0; 4096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => return false,
            Ok(read) if read >= *left => return false,
            Ok(read) => *left -= read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
    }
}
