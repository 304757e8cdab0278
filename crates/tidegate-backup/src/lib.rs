//! A whole installation in one encrypted file, made while it runs, and back.
//!
//! ```text
//! age( zstd( tar( tidegate-backup.json, data/…, manifest.json )))
//! ```
//! The first member says of which format it is, the last one what every other is to be: a file that was cut off or changed has no
//! manifest, or another one. Nobody is waited for: the database is copied at one moment, builds never change, and what is added
//! to repositories is added to what the copy speaks of.

mod error;
mod keep;
mod key;
mod last;
mod layout;
mod manifest;
mod read;
mod restore;
mod tree;
mod write;

pub use error::BackupError;
pub use keep::{file_name, prune};
pub use key::{NewKey, Recipients, Unlock, make_key, recipients_of};
pub use last::{LastBackup, Success, Trouble};
pub use manifest::FORMAT;
pub use read::{Verified, verify};
pub use restore::{Restored, restore};
pub use write::{Checked, Made, Order, back_up};
