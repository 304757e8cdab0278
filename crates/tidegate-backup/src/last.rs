//! What became of the last backup: kept beside the key, for `tidegate doctor` and for whoever makes the next one.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidegate_os::file;

use crate::error::{BackupError, io};
use crate::key::{FOLDER, folder};

const FILE: &str = "last.json";

/// What is known of the backups of a data directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastBackup {
    /// The last good one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<Success>,
    /// What went wrong since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
}

/// A backup that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Success {
    /// When it was begun: milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// Where it was put.
    pub file: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A backup that was not made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// When: milliseconds since the Unix epoch.
    pub unix_ms: u64,
    /// Why, in a sentence.
    pub why: String,
}

impl LastBackup {
    /// Of a data directory. What cannot be read is taken for never.
    pub fn of(data: &Path) -> LastBackup {
        let read = fs::read(data.join(FOLDER).join(FILE));
        read.ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
    }

    /// Remembers one that was made.
    pub fn succeeded(data: &Path, good: Success) -> Result<(), BackupError> {
        LastBackup { good: Some(good), trouble: None }.keep(data)
    }

    /// Remembers one that was not.
    pub fn failed(data: &Path, trouble: Trouble) -> Result<(), BackupError> {
        LastBackup { trouble: Some(trouble), ..LastBackup::of(data) }.keep(data)
    }

    fn keep(&self, data: &Path) -> Result<(), BackupError> {
        let path = folder(data)?.join(FILE);
        let text = serde_json::to_vec(self).unwrap_or_default();
        file::write_atomic(&path, &text, 0o600).map_err(io("write", &path))
    }
}
