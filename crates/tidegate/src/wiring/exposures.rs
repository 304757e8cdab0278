//! The gateway's reports of users of experiments, as files in its directory. Called by the [sink](super::gateway::Sink); what they say is
//! decided elsewhere.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tidegate_core::model::{EXPOSURES, ExposureReport, ReportName};

/// A larger report is none of the gateway's.
const LARGEST: u64 = 16 << 20;
/// So many are seen at once.
const MOST: usize = 10_000;

/// The reports in a gateway's directory, each gateway's oldest first. Files of other names are no reports.
pub fn waiting(dir: &Path) -> Vec<ReportName> {
    let Ok(entries) = fs::read_dir(dir.join(EXPOSURES)) else { return Vec::new() };
    let named =
        entries.flatten().take(MOST).filter_map(|entry| ReportName::of_file(entry.file_name().to_str()?));
    let mut names: Vec<ReportName> = named.collect();
    names.sort();
    names
}

/// One of them. What is none is `InvalidData` or `UnexpectedEof`.
pub fn read(dir: &Path, name: &ReportName) -> io::Result<ExposureReport> {
    let mut bytes = Vec::new();
    File::open(path(dir, name))?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {LARGEST} bytes")));
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// Removes one. Where that fails it is taken for one that was taken, and tried again.
pub fn remove(dir: &Path, name: &ReportName) {
    match fs::remove_file(path(dir, name)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(%error, report = name.file_name(), "a report of users that was taken stays");
        }
        _ => {}
    }
}

fn path(dir: &Path, name: &ReportName) -> PathBuf {
    dir.join(EXPOSURES).join(name.file_name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_found_in_their_order_read_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(waiting(dir.path()), []);
        fs::create_dir(dir.path().join(EXPOSURES)).unwrap();
        let put = |serial| {
            let report = ExposureReport { incarnation: "1-a".to_owned(), serial, experiments: Vec::new() };
            fs::write(path(dir.path(), &report.name()), serde_json::to_vec(&report).unwrap()).unwrap();
            report
        };
        let (tenth, second) = (put(10), put(2));
        fs::write(dir.path().join(EXPOSURES).join(".1-a-3.json.9-1"), "{").unwrap();
        fs::write(dir.path().join(EXPOSURES).join("1-a-4.json"), "{").unwrap();
        let names = waiting(dir.path());
        assert_eq!(names.iter().map(|name| name.serial).collect::<Vec<_>>(), [2, 4, 10]);
        assert_eq!(
            [&names[0], &names[2]].map(|name| read(dir.path(), name).ok()),
            [Some(second), Some(tenth)]
        );
        let torn = read(dir.path(), &names[1]).unwrap_err();
        assert_eq!(torn.kind(), io::ErrorKind::UnexpectedEof);
        names.iter().for_each(|name| remove(dir.path(), name));
        remove(dir.path(), &names[0]);
        assert_eq!(waiting(dir.path()), []);
    }
}
