//! A flag file of flagd's format, served from one board.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tidegate_flags::{FlagSet, Options};

use crate::board::Board;
use crate::follow::{self, FileError, Following, Look, News, Source};
use crate::snapshot::Snapshot;

/// See the module.
#[derive(Debug)]
pub struct FlagFile {
    path: PathBuf,
    options: Options,
}

impl FlagFile {
    /// A file in flagd's format, JSON or YAML.
    pub fn new(path: PathBuf, options: Options) -> Self {
        FlagFile { path, options }
    }

    /// Reads it.
    pub fn read(&self) -> Result<Snapshot, FileError> {
        let text = follow::text(&self.path)?;
        let set = FlagSet::parse(&text, &self.options)
            .map_err(|source| FileError::Broken { path: self.path.display().to_string(), source })?;
        Ok(Snapshot::new(set, SystemTime::now()))
    }

    /// Puts it on the board whenever it is another.
    pub fn follow(self, board: Arc<Board>, tell: impl Fn(News) + Send + 'static) -> io::Result<Following> {
        follow::follow(Look::new(OnBoard { file: self, board }), tell)
    }
}

#[derive(Debug)]
struct OnBoard {
    file: FlagFile,
    board: Arc<Board>,
}

impl Source for OnBoard {
    fn path(&self) -> &Path {
        &self.file.path
    }

    fn read(&mut self) -> Result<Option<usize>, FileError> {
        let snapshot = self.file.read()?;
        let flags = snapshot.flags();
        let trouble = self.board.standing().trouble.is_some();
        let others = self.board.publish(snapshot);
        if others {
            self.board.tally().reloads.one();
        }
        Ok((others || trouble).then_some(flags))
    }

    fn on_trouble(&self, error: &FileError) {
        self.board.tally().reloads_failed.one();
        self.board.complain(error.to_string());
    }
}
