//! What tells two states of a file apart: a strong `ETag`, and the time it was changed.
//!
//! Not by size and modification time alone: builds are often made with the same time on every file, and two builds differ
//! in a version number of the same length. The time of the last change of the inode is nobody's to set.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

use http::HeaderValue;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub(super) etag: HeaderValue,
    /// `None`: builds made without times say 1970 of every file, or a time to come.
    pub(super) modified: Option<HeaderValue>,
}

impl Tag {
    /// Of an opened file.
    pub(super) fn of(file: &Metadata) -> Option<Self> {
        let nanos = |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
        let modified = nanos(file.mtime(), file.mtime_nsec());
        let changed = nanos(file.ctime(), file.ctime_nsec());
        let etag = format!("\"{:x}-{modified:x}-{changed:x}\"", file.size());
        let modified =
            file.modified().ok().filter(|time| *time <= SystemTime::now() && file.mtime() > 86_400);
        Some(Tag {
            etag: HeaderValue::try_from(etag).ok()?,
            modified: modified.and_then(|time| HeaderValue::try_from(httpdate::fmt_http_date(time)).ok()),
        })
    }
}
