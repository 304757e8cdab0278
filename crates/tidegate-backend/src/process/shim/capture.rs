//! The unit's output: from pipes to lines, without ever making the unit wait for long.
//!
//! In a flood the bytes are only counted, and the pipes are emptied a hundred times a second instead of whenever there is
//! something: an app that writes without end costs the shim a few per cent of a core, and waits 10 ms at most.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::libc;

use tidegate_core::redact::{Redacting, Redactor};
use tidegate_os::clock::boot_ms;

use super::meter::Meter;
use crate::process::log::{Journal, Stream};

/// The longest line that is kept whole.
const LONGEST: usize = 64 << 10;
/// How long the pipes are left alone in a flood.
const PAUSE_MS: u64 = 10;
/// What is read of one pipe at a time, so that a full pipe does not keep the shim from all else.
const AT_ONCE: usize = 1 << 20;
const PIPE_SIZE: libc::c_int = 1 << 20;

/// Both outputs of a unit.
pub(super) struct Capture {
    pipes: Vec<Pipe>,
    journal: Journal,
    chunk: Vec<u8>,
    resume_at_ms: Option<u64>,
    meter: Meter,
    /// What is taken out of all that is kept; `None`: nothing is secret.
    redactor: Option<Arc<Redactor>>,
}

struct Pipe {
    file: File,
    stream: Stream,
    line: Vec<u8>,
    /// The rest of the line is left out: it is too long, or began in a flood.
    skipping: bool,
    /// Where there are secrets: what of them to look for, and what is held back.
    hiding: Option<Hiding>,
}

struct Hiding {
    redactor: Arc<Redactor>,
    stream: Redacting,
    clean: Vec<u8>,
}

impl Capture {
    pub(super) fn new(journal: Journal) -> Capture {
        Capture {
            pipes: Vec::new(),
            journal,
            chunk: vec![0; 32 << 10],
            resume_at_ms: None,
            meter: Meter::new(boot_ms()),
            redactor: None,
        }
    }

    /// Keeps none of these values from now on. For before anything is read.
    pub(super) fn hide(&mut self, redactor: Redactor) {
        self.redactor = (!redactor.is_empty()).then(|| Arc::new(redactor));
    }

    /// Whether the unit writes without end.
    pub(super) fn flooding(&self) -> bool {
        self.meter.flooding()
    }

    pub(super) fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }

    pub(super) fn add(&mut self, stream: Stream, fd: OwnedFd) -> io::Result<()> {
        fcntl(&fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // A larger pipe means fewer wake-ups; the ordinary size does too.
        let _ = fcntl(&fd, FcntlArg::F_SETPIPE_SZ(PIPE_SIZE));
        let hiding = self.redactor.clone().map(|redactor| Hiding {
            redactor,
            stream: Redacting::default(),
            clean: Vec::new(),
        });
        self.pipes.push(Pipe { file: File::from(fd), stream, line: Vec::new(), skipping: false, hiding });
        Ok(())
    }

    /// What to poll: nothing while the pipes are left alone.
    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let pipes = if self.resume_at_ms.is_some() { &[][..] } else { &self.pipes[..] };
        pipes.iter().map(|pipe| pipe.file.as_fd())
    }

    pub(super) fn deadline_ms(&self) -> Option<u64> {
        [self.resume_at_ms, self.meter.deadline_ms()].into_iter().flatten().min()
    }

    /// Takes what there is.
    pub(super) fn read(&mut self, now_ms: u64) {
        if self.resume_at_ms.is_some_and(|at| at > now_ms) {
            return;
        }
        self.resume_at_ms = None;
        let mut pipes = std::mem::take(&mut self.pipes);
        let mut taken = 0;
        pipes.retain_mut(|pipe| pipe.read(&mut self.chunk, &mut self.journal, &mut taken, now_ms));
        self.pipes = pipes;
        self.meter.count(taken, now_ms);
        if self.journal.flooded(now_ms) {
            self.resume_at_ms = Some(now_ms + PAUSE_MS);
        }
        self.journal.flush();
    }

    /// Takes the rest, after everybody who could write is gone.
    pub(super) fn finish(&mut self, now_ms: u64) {
        self.resume_at_ms = None;
        self.read(now_ms);
        for pipe in &mut self.pipes {
            pipe.end(&mut self.journal, now_ms);
        }
        self.pipes.clear();
        self.journal.close();
    }
}

impl Pipe {
    /// Adds what it took to `all`. False once it is closed.
    fn read(&mut self, chunk: &mut [u8], journal: &mut Journal, all: &mut u64, now_ms: u64) -> bool {
        let mut taken = 0;
        while taken < AT_ONCE {
            match self.file.read(chunk) {
                Ok(0) => {
                    self.end(journal, now_ms);
                    return false;
                }
                Ok(read) => {
                    taken += read;
                    *all += read as u64;
                    self.hide_and_take(&chunk[..read], journal, now_ms);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        true
    }

    /// Looks for secrets also in a flood: what is left out may end in the middle of one.
    fn hide_and_take(&mut self, bytes: &[u8], journal: &mut Journal, now_ms: u64) {
        let Some(mut hiding) = self.hiding.take() else { return self.take(bytes, journal, now_ms) };
        hiding.clean.clear();
        hiding.stream.feed(&hiding.redactor, bytes, &mut hiding.clean);
        self.take(&hiding.clean, journal, now_ms);
        self.hiding = Some(hiding);
    }

    fn take(&mut self, bytes: &[u8], journal: &mut Journal, now_ms: u64) {
        if bytes.is_empty() {
            return;
        }
        if journal.flooded(now_ms) {
            self.line.clear();
            self.skipping = bytes.last() != Some(&b'\n');
            journal.leave_out(bytes.len());
            return;
        }
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(&rest[..end], journal);
            self.finish_line(journal);
            rest = &rest[end + 1..];
        }
        self.extend(rest, journal);
    }

    fn extend(&mut self, bytes: &[u8], journal: &mut Journal) {
        if self.skipping {
            return;
        }
        let room = LONGEST - self.line.len();
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room {
            journal.push(self.stream, &self.line);
            self.line.clear();
            self.skipping = true;
        }
    }

    fn finish_line(&mut self, journal: &mut Journal) {
        if !std::mem::take(&mut self.skipping) {
            journal.push(self.stream, &self.line);
        }
        self.line.clear();
    }

    /// Last words need no line end.
    fn end(&mut self, journal: &mut Journal, now_ms: u64) {
        if let Some(mut hiding) = self.hiding.take() {
            hiding.clean.clear();
            hiding.stream.finish(&hiding.redactor, &mut hiding.clean);
            self.take(&hiding.clean, journal, now_ms);
        }
        if !self.line.is_empty() {
            self.finish_line(journal);
        }
    }
}
