//! Reports of tests that a step left in its workspace.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use tidegate_core::model::{StepSpec, TestCounts};
use tidegate_core::pipeline::{LONGEST_REPORT, read_junit};

use super::files::meant;

/// What its reports say, summed up; `None`: there are none. One that cannot be read is told.
pub(super) fn read(step: &StepSpec, workspace: &Path, label: &str) -> Option<TestCounts> {
    let mut sum = None;
    for path in meant(workspace, &step.reports).unwrap_or_default() {
        match read_one(&workspace.join(&path)) {
            Ok(counts) => sum.get_or_insert_with(TestCounts::default).add(counts),
            Err(why) => super::tell(&format!("{label}: the report {path} cannot be read: {why}")),
        }
    }
    sum
}

fn read_one(path: &Path) -> Result<TestCounts, String> {
    let mut text = Vec::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(LONGEST_REPORT as u64 + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
    read_junit(&text).map_err(|error| error.to_string())
}

/// The counts in a few words: `12 tests, 1 failed`.
pub(super) fn in_words(counts: &TestCounts) -> String {
    let some = |count: u64, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
    let tests = if counts.tests == 1 { "test" } else { "tests" };
    format!("{} {tests}{}{}", counts.tests, some(counts.failed, "failed"), some(counts.skipped, "skipped"))
}
