//! Names of backups in a folder, and which of them stay.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::{BackupError, io};

const BEGIN: &str = "tidegate-";
const END: &str = ".backup";

/// The name of a backup that was begun then (milliseconds since the Unix epoch). Later ones sort behind it.
pub fn file_name(unix_ms: u64) -> String {
    let at =
        i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_default();
    format!("{BEGIN}{}{END}", at.strftime("%Y%m%dT%H%M%SZ"))
}

/// Removes all but the newest `keep` backups of a folder, by their names; which. What is named otherwise is left alone.
pub fn prune(folder: &Path, keep: usize) -> Result<Vec<PathBuf>, BackupError> {
    let listed = fs::read_dir(folder).map_err(io("list", folder))?;
    let mut names: Vec<String> =
        listed.flatten().filter_map(|item| item.file_name().into_string().ok()).collect();
    names.retain(|name| is_ours(name));
    names.sort();
    names.truncate(names.len().saturating_sub(keep));
    let paths: Vec<PathBuf> = names.into_iter().map(|name| folder.join(name)).collect();
    for path in &paths {
        match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(io("remove", path)(error)),
            _ => {}
        }
    }
    Ok(paths)
}

/// `tidegate-20261123T061500Z.backup`.
fn is_ours(name: &str) -> bool {
    let Some(time) = name.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(END)) else { return false };
    let fits = |(at, byte): (usize, u8)| match at {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    time.len() == 16 && time.bytes().enumerate().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_stay_and_what_is_not_ours_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let ours: Vec<String> = (1..=4).map(|day| file_name(day * 86_400_000)).collect();
        assert_eq!(ours[0], "tidegate-19700102T000000Z.backup");
        let others = ["tidegate-notes.backup", "tidegate-19700101T000000Z.backup.part", "photo.jpg"];
        for name in ours.iter().map(String::as_str).chain(others) {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        let gone = prune(dir.path(), 2).unwrap();
        assert_eq!(gone, [dir.path().join(&ours[0]), dir.path().join(&ours[1])]);
        assert!(prune(dir.path(), 2).unwrap().is_empty());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
    }
}
