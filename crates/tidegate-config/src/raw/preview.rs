//! Environments made for branches.

use super::record::record;
use super::time::{DAY, HOUR, Lasting};
use super::whole::Whole;

record! { replaced
    /// One environment for each branch instead of one for all: each with a URL of its own.
    #[schemars(rename = "Preview")]
    RawPreview is "`preview`" {
        /// How many there may be at once. Default 5.
        most: Whole<1, 100>,
        /// How long one stays after the last push to its branch. Default 3d.
        stays: Lasting<HOUR, { 90 * DAY }>,
    }
}
