//! A snapshot: the files of a folder that go into a build, their digest, and the tar they travel in.
//!
//! Called by the command line (scan, pack) and by the build reconciler (unpack). Git-aware: what `.gitignore` leaves out is
//! left out, `.git` and `.tidegate` always, and `.env` files too: config comes from the environment, never from a build.

mod digest;
mod flags;
mod git;
mod pack;
mod scan;

pub(crate) use digest::tree_digest_by;
pub use digest::{digest_of, tree_digest};
pub use flags::{FlagsRefused, FolderFlags, flags_of};
pub use git::source_of;
pub use pack::{Limits, UnpackError, pack, unpack};
pub(crate) use scan::MOST_BYTES;
pub(crate) use scan::entry_of;
pub use scan::{Entry, EntryKind, ScanError, Snapshot, every_file, scan};
