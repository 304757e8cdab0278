//! A unit's output on disk: segments of lines, written by its shim, read by the control plane.
//!
//! `<logs>/<unit>/<number>.log`, numbers rising; a line is `<unix ms> <o|e> <bytes>\n`. Numbers go on over restarts.

mod journal;
mod reader;
mod segment;

pub(super) use journal::Journal;
pub use reader::SegmentLogs;
pub(super) use segment::Stream;
