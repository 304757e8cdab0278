//! The data directory: everything Tidegate keeps, claimed by one control plane at a time.
//!
//! ```text
//! tidegate.json   says that this is a data directory, and of which format
//! lock            held by the control plane, with its pid
//! tidegate.db     what is remembered       token, api.sock   the ways in
//! gateway/        the gateway's own        units/ logs/      instances and their output
//! snapshots/ staging/ spool/ builds/ cache/                  uploads and builds
//! keys/ provenance/                                          what signs builds, and what was listed of them
//! ```

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tidegate_os::file;
use tidegate_os::lock::{Lock, LockError};
use tidegate_store::Store;

use crate::failure::Failure;
use crate::locate;

/// The format written by this version.
const FORMAT: u32 = 1;
const MARKER: &str = "tidegate.json";

/// What `tidegate.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct Marker {
    tidegate_data_directory: u32,
}

/// A data directory that is ours while this value lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: Lock,
}

impl DataDir {
    /// Claims a data directory, making it where it is missing. What is there and not Tidegate's stays untouched.
    pub fn claim(path: &Path) -> Result<Self, Failure> {
        // Others may pass through (instances run as another user) but not look around; what is secret is 0600.
        DirBuilder::new().recursive(true).mode(0o711).create(path).map_err(|error| trouble(path, &error))?;
        let path = path.canonicalize().map_err(|error| trouble(path, &error))?;
        recognise(&path)?;
        let lock = Lock::acquire(&path.join("lock")).map_err(|error| held(&path, error))?;
        let marker = serde_json::to_vec(&Marker { tidegate_data_directory: FORMAT }).unwrap_or_default();
        if !path.join(MARKER).exists() {
            file::write_atomic(&path.join(MARKER), &marker, 0o644).map_err(|error| trouble(&path, &error))?;
        }
        Ok(DataDir { path, _lock: lock })
    }

    /// Where it is, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what is remembered.
    pub fn store(&self) -> Result<Store, Failure> {
        let db = self.path.join("tidegate.db");
        Store::open(&db).map_err(|error| {
            Failure::environment(
                error.to_string(),
                "nothing was changed; `tidegate up --data DIR` takes another directory",
            )
        })
    }

    /// Clears what an earlier control plane left half done: uploads that no deploy was made of.
    pub fn clear_leftovers(&self) {
        for part in ["staging", "spool", tidegate_control::workshop::TRASH] {
            if let Err(error) = tidegate_control::workshop::remove_tree(&self.path.join(part)) {
                tracing::warn!(part, %error, "could not clear what was left over");
            }
        }
    }

    /// The API's socket.
    pub fn socket(&self) -> PathBuf {
        self.path.join(locate::SOCKET)
    }
}

/// Who holds a data directory; `None` where nobody does.
pub fn holder(path: &Path) -> Option<u32> {
    tidegate_os::lock::holder(&path.join("lock"))
}

/// An empty directory, or one of ours that is whole.
fn recognise(path: &Path) -> Result<(), Failure> {
    let names: Vec<String> = fs::read_dir(path)
        .map_err(|error| trouble(path, &error))?
        .filter_map(|item| Some(item.ok()?.file_name().to_string_lossy().into_owned()))
        .collect();
    if names.iter().all(|name| name == "lock") {
        return Ok(());
    }
    let other = "choose an empty directory: `tidegate up --data DIR`";
    let Ok(text) = fs::read(path.join(MARKER)) else {
        let message =
            format!("{} holds files and is not a data directory of Tidegate (no {MARKER})", path.display());
        return Err(Failure::environment(message, format!("nothing was changed; {other}")));
    };
    let marker: Marker = serde_json::from_slice(&text).map_err(|_| {
        let message = format!("{} is damaged", path.join(MARKER).display());
        Failure::environment(
            message,
            "nothing was changed; restore a backup of the directory, or choose an empty one",
        )
    })?;
    if marker.tidegate_data_directory > FORMAT {
        let message = format!("{} was made by a newer Tidegate", path.display());
        return Err(Failure::environment(
            message,
            "nothing was changed; run that version, or choose another directory",
        ));
    }
    let has = |name: &str| names.iter().any(|other| other == name);
    if !has("tidegate.db") && (has("units") || has("builds") || has("gateway")) {
        let message =
            format!("{} has lost its tidegate.db: what runs there is not known any more", path.display());
        return Err(Failure::environment(
            message,
            "nothing was changed; restore tidegate.db from a backup, or choose an empty directory",
        ));
    }
    Ok(())
}

fn held(path: &Path, error: LockError) -> Failure {
    match error {
        LockError::Held { pid } => {
            let message = format!("a control plane (process {pid}) runs on {} already", path.display());
            Failure::mistake(message, format!("`tidegate down --data {}` stops it", path.display()))
        }
        LockError::Io(error) => trouble(path, &error),
    }
}

fn trouble(path: &Path, error: &io::Error) -> Failure {
    let message = format!("the data directory {} cannot be used: {error}", path.display());
    Failure::environment(message, "choose one this user can write to: `tidegate up --data DIR`")
}
