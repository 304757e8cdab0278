//! Taking in what a step left: reports, then artifacts, then caches. The step is over and nothing of it runs; what it left may still
//! be meant to lead out of the workspace, so no link is followed.

use std::fs;
use std::io;
use std::path::Path;

use tidegate_core::model::{InstanceId, TestCounts};
use tidegate_core::pipeline::{JunitError, LONGEST_REPORT, read_junit};

use super::Places;
use super::paths::{cache_key, matching, within};
use super::tree::{Budget, copy_over};
use crate::seams::Gathering;
use crate::workshop::remove_tree;

/// What its reports say; its artifacts and caches are kept.
pub(super) fn gather(
    places: &Places,
    unit: &InstanceId,
    order: &Gathering,
) -> io::Result<Option<TestCounts>> {
    let workspace = places.workspace(unit);
    let tests = read_reports(&workspace, &order.reports)?;
    let mut budget = Budget::of_artifacts();
    for pattern in &order.artifacts {
        for found in matching(&workspace, pattern)? {
            copy_over(&workspace.join(&found), &places.artifacts(order.run).join(&found), &mut budget)?;
        }
    }
    for folder in &order.cache {
        keep_cache(&within(&workspace, folder)?, &places.caches(&order.app), folder)?;
    }
    Ok(tests)
}

/// What all the reports say together; one that cannot be read is named, and the step's end still counts.
fn read_reports(workspace: &Path, patterns: &[String]) -> io::Result<Option<TestCounts>> {
    let mut all: Option<TestCounts> = None;
    for pattern in patterns {
        for found in matching(workspace, pattern)? {
            let all = all.get_or_insert_default();
            match report(&workspace.join(&found)) {
                Ok(counts) => all.add(counts),
                Err(why) => all.add_unread(&found.to_string_lossy(), &why),
            }
        }
    }
    Ok(all)
}

/// What a report says, or why it says nothing.
fn report(path: &Path) -> Result<TestCounts, String> {
    let meta = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !meta.is_file() {
        return Err("it is no file".to_owned());
    }
    if usize::try_from(meta.len()).map_or(true, |size| size > LONGEST_REPORT) {
        return Err(JunitError::TooLarge.to_string());
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    read_junit(&text).map_err(|error| error.to_string())
}

/// Moves a folder to where the next run takes it from. Killed in between, it is made anew by the next run.
fn keep_cache(from: &Path, caches: &Path, folder: &str) -> io::Result<()> {
    if !fs::symlink_metadata(from).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    fs::create_dir_all(caches)?;
    let kept = caches.join(cache_key(folder));
    remove_tree(&kept)?;
    match fs::rename(from, &kept) {
        // Another step of the same name was faster: its own is as good.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        done => done,
    }
}
