//! Whatever is kept in a file that changes: read at first, and again whenever the file is another. A file that cannot be read
//! or understood changes nothing but the standing of its source: what was good stays.
//!
//! It is looked at by name many times a second: that finds files written in place, put there by a rename or behind a symbolic
//! link, on any file system, which notices of the kernel do not; a look costs two microseconds.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidegate_flags::FlagFileError;

const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Nothing is said of a file that is being written or replaced.
const PATIENCE: Duration = Duration::from_millis(200);
const LARGEST: u64 = 64 << 20;

/// What became of a file that changed.
#[derive(Debug)]
pub enum News {
    /// It is served now: so many flags.
    Served(usize),
    /// It is not served; what was served before still is.
    Refused(FileError),
}

/// A file that cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Not there, or not ours to read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Too large.
    #[error("{path} is larger than {} MiB", LARGEST >> 20)]
    TooLarge {
        /// Which file.
        path: String,
    },
    /// Not what flagd calls a flag definition.
    #[error("{path}: {source}")]
    Broken {
        /// Which file.
        path: String,
        /// Where and what.
        source: FlagFileError,
    },
    /// Not what the control plane writes.
    #[error("{path}: {why}")]
    Foreign {
        /// Which file.
        path: String,
        /// Where and what.
        why: String,
    },
}

/// What is made of such a file.
pub(crate) trait Source: Send + 'static {
    /// Where it is.
    fn path(&self) -> &Path;
    /// Reads it and serves what is in it. Says how many flags that are, if they are others or are well again.
    fn read(&mut self) -> Result<Option<usize>, FileError>;
    /// It cannot be served, and not only for a moment.
    fn on_trouble(&self, error: &FileError);
}

/// Follows until it is dropped.
#[derive(Debug)]
pub struct Following {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Follows a file on a thread of its own.
pub(crate) fn follow(
    mut look: Look<impl Source>,
    tell: impl Fn(News) + Send + 'static,
) -> io::Result<Following> {
    let (end, ended) = mpsc::channel();
    let thread = thread::Builder::new().name("flag-file".to_owned()).spawn(move || {
        while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            if let Some(news) = look.once() {
                tell(news);
            }
        }
    })?;
    Ok(Following { end: Some(end), thread: Some(thread) })
}

impl Drop for Following {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The text of a file.
pub(crate) fn text(of: &Path) -> Result<String, FileError> {
    let path = || of.display().to_string();
    let mut text = String::new();
    let read = File::open(of).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    read.map_err(|source| FileError::Unreadable { path: path(), source })?;
    if text.len() as u64 > LARGEST {
        return Err(FileError::TooLarge { path: path() });
    }
    Ok(text)
}

/// What tells two states of a file apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    size: u64,
    written: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Of the file that has this name now, if one has.
    fn of(path: &Path) -> Option<Stamp> {
        let found = fs::metadata(path).ok()?;
        Some(Stamp {
            file: (found.dev(), found.ino()),
            size: found.size(),
            written: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        })
    }
}

/// What was seen so far.
#[derive(Debug)]
pub(crate) struct Look<S> {
    source: S,
    /// What was read last.
    read: Option<Stamp>,
    /// What was there at the last look.
    seen: Option<Stamp>,
    /// What was wrong with what was read last, not told yet.
    trouble: Option<(Instant, FileError)>,
}

impl<S: Source> Look<S> {
    /// What was read before is not known, so the first look finds something else: whatever changed since is not missed.
    pub(crate) fn new(source: S) -> Self {
        Look { source, read: Some(Stamp::default()), seen: None, trouble: None }
    }

    /// Looks whether it is another.
    pub(crate) fn once(&mut self) -> Option<News> {
        let now = Stamp::of(self.source.path());
        let still = now == std::mem::replace(&mut self.seen, now);
        if now == self.read && now.is_some() {
            return self.patience_over();
        }
        // Another file is whole when it gets its name; the same one may be half written until it rests.
        let another = now.map(|stamp| stamp.file) != self.read.map(|stamp| stamp.file) && now.is_some();
        if !still && !another {
            return None;
        }
        if now.is_none() && self.trouble.is_some() {
            return self.patience_over();
        }
        if now.is_none() && self.read.is_none() {
            return None;
        }
        self.read = now;
        self.read_again()
    }

    fn read_again(&mut self) -> Option<News> {
        match self.source.read() {
            Ok(served) => {
                self.trouble = None;
                served.map(News::Served)
            }
            Err(error) => {
                self.trouble = Some((Instant::now(), error));
                None
            }
        }
    }

    fn patience_over(&mut self) -> Option<News> {
        let (_, error) = self.trouble.take_if(|(since, _)| since.elapsed() >= PATIENCE)?;
        self.source.on_trouble(&error);
        Some(News::Refused(error))
    }
}
