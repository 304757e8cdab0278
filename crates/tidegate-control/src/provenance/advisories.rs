//! Advisories from files: read when somebody asks for the first time, and again once their folder has changed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use tidegate_core::advisory::{Advisory, concerns, read_osv};
use tidegate_core::sbom::{Component, Ecosystem};
use tidegate_core::view::DependencyReport;

/// The largest advisory, in bytes.
const LARGEST: u64 = 4 << 20;
/// The most files that are looked at.
const MOST_FILES: usize = 1_000_000;
/// The most advisories that are kept.
const MOST_KEPT: usize = 300_000;
/// How deep folders lie in each other.
const DEEPEST: usize = 4;
/// The most that is told of one app.
const MOST_TOLD: usize = 200;

/// See the module.
#[derive(Debug)]
pub struct Advisories {
    dir: Option<PathBuf>,
    read: Mutex<Option<(Option<SystemTime>, Arc<Index>)>>,
}

/// By the packages they are about.
#[derive(Debug, Default)]
struct Index {
    of: BTreeMap<(Ecosystem, String), Vec<Arc<Advisory>>>,
    kept: usize,
    unread: usize,
    /// Why not all of it was read.
    partly: Option<String>,
}

impl Advisories {
    /// Of this folder; `None`: there are none.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Advisories { dir, read: Mutex::new(None) }
    }

    /// What is known to be wrong with these packages.
    pub(crate) fn report(&self, components: &[Component]) -> DependencyReport {
        let packages = components.len();
        let Some(dir) = &self.dir else {
            let note = "nothing is known of advisories: `tidegate up --advisories DIR` reads them from files";
            return DependencyReport { packages, note: Some(note.to_owned()), ..DependencyReport::default() };
        };
        let index = match self.index(dir) {
            Ok(index) => index,
            Err(error) => {
                let note = format!("the advisories in {} cannot be read: {error}", dir.display());
                return DependencyReport { packages, note: Some(note), ..DependencyReport::default() };
            }
        };
        let mut vulnerable: Vec<_> = components.iter().flat_map(|one| index.concerning(one)).collect();
        vulnerable.sort();
        vulnerable.dedup();
        let more = vulnerable.len().saturating_sub(MOST_TOLD);
        vulnerable.truncate(MOST_TOLD);
        DependencyReport { packages, advisories: index.kept, vulnerable, more, note: index.note() }
    }

    fn index(&self, dir: &Path) -> io::Result<Arc<Index>> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = fs::metadata(dir)?.modified().ok();
        if let Some((at, index)) = &*read
            && *at == changed
        {
            return Ok(Arc::clone(index));
        }
        let mut index = Index::default();
        index.read(dir)?;
        let index = Arc::new(index);
        *read = Some((changed, Arc::clone(&index)));
        Ok(index)
    }
}

impl Index {
    fn concerning(&self, component: &Component) -> Vec<tidegate_core::advisory::Vulnerable> {
        let key = (component.ecosystem, component.ecosystem.plain(&component.name));
        let all = self.of.get(&key).into_iter().flatten();
        all.filter_map(|advisory| concerns(advisory, component)).collect()
    }

    /// Every `*.json` below a folder. What is none is counted.
    fn read(&mut self, dir: &Path) -> io::Result<()> {
        let (mut folders, mut files) = (vec![(dir.to_owned(), 0)], 0);
        while let Some((folder, depth)) = folders.pop() {
            for item in fs::read_dir(&folder)? {
                let item = item?;
                let kind = item.file_type()?;
                if kind.is_dir() && depth < DEEPEST {
                    folders.push((item.path(), depth + 1));
                } else if kind.is_file() && item.path().extension().is_some_and(|end| end == "json") {
                    files += 1;
                    if files > MOST_FILES || self.kept >= MOST_KEPT {
                        self.partly =
                            Some(format!("not all advisories were read: there are more than {}", files - 1));
                        return Ok(());
                    }
                    self.take(&item.path());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path) {
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
        if read.is_err() || bytes.len() as u64 > LARGEST {
            self.unread += 1;
            return;
        }
        match read_osv(&bytes) {
            Ok(Some(advisory)) => self.keep(advisory),
            Ok(None) => {}
            Err(_) => self.unread += 1,
        }
    }

    fn keep(&mut self, advisory: Advisory) {
        let advisory = Arc::new(advisory);
        for affected in &advisory.affected {
            let all = self.of.entry((affected.ecosystem, affected.package.clone())).or_default();
            if !all.iter().any(|known| Arc::ptr_eq(known, &advisory)) {
                all.push(Arc::clone(&advisory));
            }
        }
        self.kept += 1;
    }

    fn note(&self) -> Option<String> {
        let unread =
            (self.unread > 0).then(|| format!("{} files are no advisories that can be read", self.unread));
        self.partly.clone().or(unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_read_and_what_it_says_of_packages_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let advisory = r#"{ "id": "GHSA-1", "summary": "bad", "affected": [{ "package": { "ecosystem": "npm", "name": "left-pad" },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "1.3.0" }] }] }] }"#;
        fs::create_dir(dir.path().join("npm")).unwrap();
        fs::write(dir.path().join("npm/GHSA-1.json"), advisory).unwrap();
        fs::write(dir.path().join("broken.json"), "{").unwrap();
        let one = |version: &str| Component {
            ecosystem: Ecosystem::Npm,
            name: "left-pad".to_owned(),
            version: version.to_owned(),
            hashes: Vec::new(),
            licences: Vec::new(),
        };
        let advisories = Advisories::new(Some(dir.path().to_owned()));
        let report = advisories.report(&[one("1.2.0"), one("1.3.0"), one("1.2.0")]);
        assert_eq!((report.packages, report.advisories, report.vulnerable.len()), (3, 1, 1));
        assert_eq!(report.vulnerable[0].fixed.as_deref(), Some("1.3.0"));
        assert!(report.note.unwrap().contains("1 files"));

        let none = Advisories::new(None).report(&[one("1.2.0")]);
        assert!(none.vulnerable.is_empty() && none.note.unwrap().contains("--advisories"));
        let gone = Advisories::new(Some(dir.path().join("gone"))).report(&[]);
        assert!(gone.note.unwrap().contains("cannot be read"));
    }
}
