//! The file that the control plane writes, served from a hall. What is the same as before keeps its board, so that nobody is
//! told of a change in another set; a set that cannot be understood keeps what it had, and the others go on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use tidegate_flags::{FlagFileError, FlagSet, Options};

use crate::board::Board;
use crate::clients;
use crate::follow::{self, FileError, Following, Look, News, Source};
use crate::hall::{Boards, Hall};
use crate::sets::Sets;
use crate::snapshot::Snapshot;

/// A set of which there is nothing yet: its keys are good, and no flag is found.
const NOTHING: &str = r#"{"flags":{}}"#;

/// See the module.
#[derive(Debug)]
pub struct SetsFile {
    path: PathBuf,
    open: Option<String>,
}

impl SetsFile {
    /// A file that may not be there yet. `open`: the set that is served to who sends no key, whatever the file says.
    pub fn new(path: PathBuf, open: Option<String>) -> Self {
        SetsFile { path, open }
    }

    /// Serves what is in it, at once and whenever it is another.
    pub fn follow(self, tell: impl Fn(News) + Send + 'static) -> io::Result<(Arc<Hall>, Following)> {
        let hall = Hall::empty();
        let mut look = Look::new(InHall { file: self, hall: hall.clone(), kept: BTreeMap::new() });
        if let Some(news) = look.once() {
            tell(news);
        }
        Ok((hall, follow::follow(look, tell)?))
    }
}

#[derive(Debug)]
struct InHall {
    file: SetsFile,
    hall: Arc<Hall>,
    kept: BTreeMap<String, Kept>,
}

/// A set that is served.
#[derive(Debug)]
struct Kept {
    /// As it stood in the file, where it was understood.
    text: Option<String>,
    boards: Boards,
}

impl Source for InHall {
    fn path(&self) -> &Path {
        &self.file.path
    }

    fn read(&mut self) -> Result<Option<usize>, FileError> {
        let text = follow::text(&self.file.path)?;
        let sets = Sets::parse(&text).map_err(|why| self.foreign(why))?;
        let keys = sets.keys(self.file.open.as_deref()).map_err(|why| self.foreign(why))?;
        let now = SystemTime::now();
        let names: BTreeSet<String> =
            sets.names().chain(self.file.open.as_deref()).map(str::to_owned).collect();
        self.kept.retain(|name, _| names.contains(name));
        let mut trouble = None;
        for name in names {
            let text = sets.sets.get(&name).map_or_else(|| NOTHING.to_owned(), ToString::to_string);
            if let Err(error) = self.serve(&name, text, now) {
                trouble.get_or_insert_with(|| located(&name, &error));
            }
        }
        let boards = self.kept.iter().map(|(name, kept)| (name.clone(), kept.boards.clone())).collect();
        self.hall.arrange(boards, keys, sets.epoch);
        match trouble {
            None => Ok(Some(self.on_served(now))),
            Some(trouble) => Err(self.foreign(trouble)),
        }
    }

    fn on_trouble(&self, error: &FileError) {
        self.hall.tally().reloads_failed.one();
        self.hall.ledger().on_trouble(error.to_string());
    }
}

impl InHall {
    /// Puts a set on its boards, if it is another.
    fn serve(&mut self, name: &str, text: String, now: SystemTime) -> Result<(), FlagFileError> {
        if self.kept.get(name).is_some_and(|kept| kept.text.as_ref() == Some(&text)) {
            return Ok(());
        }
        let read = FlagSet::parse(&text, &Options::default());
        match read.and_then(|set| Ok((clients::view(&set)?, set))) {
            Ok((client, server)) => {
                self.show(name, Some(text), Snapshot::new(server, now), Snapshot::new(client, now));
                Ok(())
            }
            Err(error) if self.kept.contains_key(name) => Err(error),
            Err(error) => {
                // Nothing good is known of it: its keys are good all the same.
                let nothing = || Ok(Snapshot::new(FlagSet::parse(NOTHING, &Options::default())?, now));
                self.show(name, None, nothing()?, nothing()?);
                Err(error)
            }
        }
    }

    fn show(&mut self, name: &str, text: Option<String>, server: Snapshot, client: Snapshot) {
        if let Some(kept) = self.kept.get_mut(name) {
            kept.text = text;
            kept.boards.show(server, client);
            return;
        }
        let ledger = self.hall.ledger();
        let client = Some(Board::of(client, ledger.clone()));
        let boards = Boards { server: Board::of(server, ledger.clone()), client };
        self.kept.insert(name.to_owned(), Kept { text, boards });
    }

    fn on_served(&self, now: SystemTime) -> usize {
        self.hall.tally().reloads.one();
        self.hall.ledger().on_published(now);
        self.kept.values().map(|kept| kept.boards.server.now().flags()).sum()
    }

    fn foreign(&self, why: String) -> FileError {
        FileError::Foreign { path: self.file.path.display().to_string(), why }
    }
}

/// Where in the file, and what.
fn located(name: &str, error: &FlagFileError) -> String {
    let name = name.replace('~', "~0").replace('/', "~1");
    format!("/sets/{name}{}{error}", if error.pointer.is_empty() { ": " } else { "" })
}
