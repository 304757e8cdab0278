//! Whatever is kept in a file that changes: read at first, and again whenever the file is another. A file that cannot be read
//! or understood changes nothing but the standing of its source: what was good stays.
//!
//! It is looked at by name many times a second: that finds files written in place, put there by a rename or behind a symbolic
//! link, on any file system, which notices of the kernel do not; a look costs two microseconds, so half a thousandth of a core.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tidegate_flags::FlagFileError;

const LOOK_EVERY: Duration = Duration::from_millis(4);
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
    /// When what is there could not be read at all (too many open files, say), and whether that was told: it is tried again.
    unread: Option<(Instant, bool)>,
}

impl<S: Source> Look<S> {
    /// What was read before is not known, so the first look finds something else: whatever changed since is not missed.
    pub(crate) fn new(source: S) -> Self {
        Look { source, read: Some(Stamp::default()), seen: None, trouble: None, unread: None }
    }

    /// Looks whether it is another.
    pub(crate) fn once(&mut self) -> Option<News> {
        let now = Stamp::of(self.source.path());
        let still = now == std::mem::replace(&mut self.seen, now);
        if now == self.read && now.is_some() {
            if self.unread.is_some_and(|(since, _)| since.elapsed() >= PATIENCE) {
                return self.read_again().or_else(|| self.patience_over());
            }
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
        self.unread = None;
        self.read_again()
    }

    fn read_again(&mut self) -> Option<News> {
        match self.source.read() {
            Ok(served) => {
                (self.trouble, self.unread) = (None, None);
                served.map(News::Served)
            }
            Err(error) => {
                let told = self.unread.is_some_and(|(_, told)| told);
                let is_unreadable = matches!(error, FileError::Unreadable { .. }) && self.read.is_some();
                self.unread = is_unreadable.then(|| (Instant::now(), told));
                if !told {
                    let since = self.trouble.take().map_or_else(Instant::now, |(since, _)| since);
                    self.trouble = Some((since, error));
                }
                None
            }
        }
    }

    fn patience_over(&mut self) -> Option<News> {
        let (_, error) = self.trouble.take_if(|(since, _)| since.elapsed() >= PATIENCE)?;
        self.unread = self.unread.map(|(since, _)| (since, true));
        self.source.on_trouble(&error);
        Some(News::Refused(error))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::path::PathBuf;

    use super::*;

    /// A file that cannot be opened at first, as where a process has too many open.
    struct Flaky {
        path: PathBuf,
        fails: Cell<u32>,
        told: std::sync::Arc<std::sync::atomic::AtomicU32>,
    }

    impl Source for Flaky {
        fn path(&self) -> &Path {
            &self.path
        }

        fn read(&mut self) -> Result<Option<usize>, FileError> {
            if self.fails.get() > 0 {
                self.fails.set(self.fails.get() - 1);
                let source = io::Error::from_raw_os_error(24);
                return Err(FileError::Unreadable { path: "flags.json".to_owned(), source });
            }
            Ok(Some(1))
        }

        fn on_trouble(&self, _error: &FileError) {
            self.told.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }

    #[test]
    fn a_file_that_could_not_be_read_is_tried_again_and_trouble_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        fs::write(&path, "{}").unwrap();
        let told = std::sync::Arc::default();
        let mut look = Look::new(Flaky { path, fails: Cell::new(4), told: std::sync::Arc::clone(&told) });
        let end = Instant::now() + Duration::from_secs(10);
        let mut served = false;
        while !served && Instant::now() < end {
            served = matches!(look.once(), Some(News::Served(1)));
            thread::yield_now();
        }
        assert!(served, "it was tried once only");
        assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), 1);
    }
}
