//! A connection that ends in time, however slowly the other side speaks.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tidegate_os::clock;

/// When a question has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    boot_ms: u64,
}

impl Deadline {
    /// That long from now.
    pub(crate) fn after(span: Duration) -> Self {
        Deadline { boot_ms: clock::boot_ms().saturating_add(span.as_millis() as u64) }
    }

    /// What is left of it.
    pub(crate) fn left(self) -> io::Result<Duration> {
        match self.boot_ms.saturating_sub(clock::boot_ms()) {
            0 => Err(io::ErrorKind::TimedOut.into()),
            left => Ok(Duration::from_millis(left)),
        }
    }
}

/// Every read and write has what is left of the time.
#[derive(Debug)]
pub(crate) struct Timed {
    pub(crate) stream: TcpStream,
    pub(crate) deadline: Deadline,
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.deadline.left()?))?;
        self.stream.read(into)
    }
}

impl Write for Timed {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.deadline.left()?))?;
        self.stream.write(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
