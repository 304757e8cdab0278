//! The thread that writes the access log. Workers hand it pieces of whole lines through a queue with an end: a disk that is
//! slow or full costs lines, which are counted, and never a request.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::config::{AccessLog, LogTarget};
use super::file::{LogFile, Lost};

/// How many pieces wait at most.
const QUEUE: usize = 64;
/// How long the last lines may take when the gateway ends.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Whole lines.
#[derive(Debug, Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    pub(super) lines: u64,
}

/// What became of the lines.
#[derive(Debug, Default)]
pub(crate) struct LogCounts {
    written: AtomicU64,
    lost: AtomicU64,
    reopen: AtomicBool,
}

impl LogCounts {
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Has the file opened anew: somebody moved it.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    pub(super) fn lose(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }
}

/// The thread, from outside.
#[derive(Debug)]
pub(crate) struct Writer {
    thread: JoinHandle<()>,
}

impl Writer {
    /// Starts it. It ends when every sender is gone.
    pub(super) fn start(log: &AccessLog, counts: Arc<LogCounts>) -> io::Result<(Writer, SyncSender<Piece>)> {
        let (send, receive) = sync_channel(QUEUE);
        let mut output = Output::new(log, counts);
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        let thread = thread.spawn(move || output.run(&receive))?;
        Ok((Writer { thread }, send))
    }

    /// Waits for the last lines, but not for a disk that takes none.
    pub(crate) fn finish(self) {
        let deadline = Instant::now() + LAST_WORDS;
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

#[derive(Debug)]
enum Sink {
    Stdout,
    File(LogFile),
}

#[derive(Debug)]
struct Output {
    sink: Sink,
    counts: Arc<LogCounts>,
    failing: bool,
}

impl Output {
    fn new(log: &AccessLog, counts: Arc<LogCounts>) -> Self {
        let sink = match &log.to {
            LogTarget::Stdout => Sink::Stdout,
            LogTarget::File(path) => Sink::File(LogFile::new(path, log.rotate_bytes, log.keep)),
        };
        Output { sink, counts, failing: false }
    }

    fn run(&mut self, pieces: &Receiver<Piece>) {
        // The file is there from the start, and a name that cannot be one is told at once.
        self.take(&Piece::default());
        loop {
            match pieces.recv_timeout(Duration::from_millis(250)) {
                Ok(piece) => self.take(&piece),
                Err(RecvTimeoutError::Timeout) if self.counts.reopen.load(Ordering::Relaxed) => {
                    self.take(&Piece::default());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(&mut self, piece: &Piece) {
        let lost = match self.write(&piece.bytes) {
            Ok(()) => self.on_success(),
            Err(lost) => self.on_failure(&lost, &piece.bytes),
        };
        self.counts.lose(lost);
        self.counts.written.fetch_add(piece.lines - lost.min(piece.lines), Ordering::Relaxed);
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), Lost> {
        match &mut self.sink {
            Sink::Stdout => io::stdout().write_all(lines).map_err(|source| Lost { kept: 0, source }),
            Sink::File(file) => {
                if self.counts.reopen.swap(false, Ordering::Relaxed) {
                    file.reopen();
                }
                file.append(lines)
            }
        }
    }

    fn on_success(&mut self) -> u64 {
        if std::mem::replace(&mut self.failing, false) {
            tracing::info!(lost = self.counts.lost(), "the access log is written again");
        }
        0
    }

    /// How many lines are lost.
    fn on_failure(&mut self, lost: &Lost, lines: &[u8]) -> u64 {
        if !std::mem::replace(&mut self.failing, true) {
            tracing::warn!(error = %lost, "the access log cannot be written; requests are served and their lines lost");
        }
        lines[lost.kept..].iter().filter(|byte| **byte == b'\n').count() as u64
    }
}
