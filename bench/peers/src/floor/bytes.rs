//! One way of a connection, by read and write.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

use super::pair::State;

/// What was read and not yet written.
#[derive(Debug, Default)]
pub(super) struct Bytes {
    kept: Vec<u8>,
    written: usize,
}

impl Bytes {
    /// Carries what there is. `closing`: a short read does not mean that nothing is left.
    pub(super) fn carry(
        &mut self,
        mut from: &TcpStream,
        to: &TcpStream,
        closing: bool,
        scratch: &mut [u8],
    ) -> io::Result<State> {
        self.flush(to)?;
        while self.kept.is_empty() {
            let length = match from.read(scratch) {
                Ok(0) => return Ok(State::Ended),
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(State::Empty),
                Err(error) => return Err(error),
            };
            let written = write_some(to, &scratch[..length])?;
            self.kept.extend_from_slice(&scratch[written..length]);
            if written == length && length < scratch.len() && !closing {
                return Ok(State::Empty);
            }
        }
        Ok(State::Full)
    }

    fn flush(&mut self, to: &TcpStream) -> io::Result<()> {
        self.written += write_some(to, &self.kept[self.written..])?;
        if self.written == self.kept.len() {
            self.kept.clear();
            self.written = 0;
        }
        Ok(())
    }
}

/// Writes as much as there is room for.
fn write_some(mut to: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < bytes.len() {
        match to.write(&bytes[written..]) {
            Ok(length) => written += length,
            Err(error) if is_no_room(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(written)
}

/// Also while the connection is being made.
fn is_no_room(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}
