//! Why a backup was not made, or not restored. No key and no content of a file is in any of its texts.

use std::io;
use std::path::{Path, PathBuf};

use tidegate_store::StoreError;

/// See the module.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Whoever asked made a mistake.
    #[error("{what}")]
    Mistake {
        /// What is wrong.
        what: String,
        /// What to do instead.
        help: String,
    },
    /// The file is not what a backup is, or not whole.
    #[error("{} is damaged{}: {why}", path.display(), at(member.as_deref()))]
    Damaged {
        /// The backup.
        path: PathBuf,
        /// The member that was being read, where it got as far.
        member: Option<String>,
        /// What is wrong.
        why: String,
    },
    /// It cannot be decrypted with what was given.
    #[error("{} cannot be opened: {why}", path.display())]
    Locked {
        /// The backup.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// A newer Tidegate has made it.
    #[error("{} was made by a newer Tidegate ({by}): its format is {found}, this one knows {known}", path.display())]
    TooNew {
        /// The backup.
        path: PathBuf,
        /// The version that made it.
        by: String,
        /// Its format.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// The disk is full.
    #[error("no room is left at {}", path.display())]
    DiskFull {
        /// Where.
        path: PathBuf,
    },
    /// The machine refused.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the machine said.
        source: io::Error,
    },
    /// The database could not be copied, or the restored one not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl BackupError {
    /// What to type or do next.
    pub fn help(&self) -> String {
        match self {
            BackupError::Mistake { help, .. } => help.clone(),
            BackupError::Damaged { .. } => "take another backup; `tidegate backup verify FILE` says which are whole".to_owned(),
            BackupError::Locked { .. } => {
                "give the key it was made for with --identity FILE, or its passphrase with --passphrase-file FILE".to_owned()
            }
            BackupError::TooNew { .. } => "restore it with that version, or a newer one".to_owned(),
            BackupError::DiskFull { .. } => "make room, or name another place; nothing was changed".to_owned(),
            BackupError::Io { .. } => "see the permissions there; nothing was changed".to_owned(),
            BackupError::Store(_) => "nothing was changed; run `tidegate doctor`".to_owned(),
        }
    }

    /// Whether it is the mistake of whoever asked, and not the machine's trouble.
    pub fn is_mistake(&self) -> bool {
        matches!(self, BackupError::Mistake { .. } | BackupError::Locked { .. })
    }
}

fn at(member: Option<&str>) -> String {
    member.map(|member| format!(" at its member `{member}`")).unwrap_or_default()
}

/// Tells a full disk from other trouble.
pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    move |source| match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => BackupError::DiskFull { path },
        _ => BackupError::Io { what, path, source },
    }
}

pub(crate) fn mistake(what: impl Into<String>, help: impl Into<String>) -> BackupError {
    BackupError::Mistake { what: what.into(), help: help.into() }
}
