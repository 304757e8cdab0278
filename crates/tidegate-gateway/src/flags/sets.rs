//! The flag sets that watched upstreams evaluate, followed by the file they come from. A set that cannot be used is named in the
//! log, and the one before it stays.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};
use std::time::Duration;

use serde_json::Value;
use tidegate_core::model::BundleExperiments;
use tidegate_flags::{FlagSet, Options};

use super::Ledger;
use super::bundle::{Bundle, BundleError};
use super::exposed::Exposed;
use super::own_rules::OwnRules;

/// How often the file is looked at: a flag that is turned off is off within this.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// From one failed attempt to read it to the next.
const AGAIN: Duration = Duration::from_secs(1);

/// See the module. Only sets that an upstream of the table watches are compiled.
#[derive(Debug, Default)]
pub(crate) struct Sets {
    /// `None`: there is no file, as in tests.
    path: Option<PathBuf>,
    slots: Mutex<HashMap<String, Weak<Slot>>>,
    /// Who is told of experiments among them.
    ledger: Arc<Ledger>,
}

/// One set, as it is now.
#[derive(Debug)]
pub(crate) struct Slot {
    name: String,
    set: RwLock<Option<Kept>>,
}

/// What requests are answered from.
#[derive(Debug)]
pub(super) struct Served {
    pub flags: FlagSet,
    /// The rules of flags without what was released, where there are any.
    pub own_rules: Option<OwnRules>,
    /// The experiments among them.
    pub exposed: Option<Exposed>,
}

/// What is served and what it was made of.
#[derive(Debug)]
struct Kept {
    source: Value,
    given: Option<BundleExperiments>,
    served: Arc<Served>,
}

impl Sets {
    /// Of this file.
    pub(crate) fn of(path: PathBuf) -> Self {
        Sets { path: Some(path), ..Sets::default() }
    }

    /// The same, telling users of experiments there.
    pub(crate) fn telling(self, ledger: Arc<Ledger>) -> Self {
        Sets { ledger, ..self }
    }

    /// Who is told of experiments.
    pub(super) fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// A set by its name (`app/environment`), read where nobody has it yet.
    pub(super) fn slot(&self, name: &str) -> Arc<Slot> {
        if let Some(known) = self.lock().get(name).and_then(Weak::upgrade) {
            return known;
        }
        let slot = Arc::new(Slot { name: name.to_owned(), set: RwLock::new(None) });
        self.lock().insert(name.to_owned(), Arc::downgrade(&slot));
        self.reload();
        slot
    }

    /// Reads the file for the sets that are watched. Whether it was read, good or bad: what could not be is to be tried again.
    fn reload(&self) -> bool {
        let Some(path) = &self.path else { return true };
        let watched: Vec<Arc<Slot>> = {
            let mut slots = self.lock();
            slots.retain(|_, slot| slot.strong_count() > 0);
            slots.values().filter_map(Weak::upgrade).collect()
        };
        if watched.is_empty() {
            return true;
        }
        match Bundle::read(path) {
            Ok(mut bundle) => {
                tracing::debug!(epoch = bundle.epoch, "flags are read");
                watched.iter().for_each(|slot| {
                    slot.take(bundle.sets.remove(&slot.name), bundle.experiments.remove(&slot.name));
                });
                true
            }
            Err(error) => {
                refuse(path, &error);
                !matches!(error, BundleError::File(_))
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Weak<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// What is served now; `None`: there is none, or it never could be used.
    pub(super) fn now(&self) -> Option<Arc<Served>> {
        let kept = self.set.read().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|kept| kept.served.clone())
    }

    fn take(&self, source: Option<Value>, given: Option<BundleExperiments>) {
        let Some(source) = source else { return self.put(None) };
        let same = |kept: &Kept| kept.source == source && kept.given == given;
        if self.set.read().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(same) {
            return;
        }
        match FlagSet::parse(&source.to_string(), &Options::default()) {
            Ok(flags) => {
                let exposed = given.clone().and_then(|given| Exposed::of(&self.name, given));
                let served = Arc::new(Served { flags, own_rules: OwnRules::of(&source), exposed });
                self.put(Some(Kept { source, given, served }));
            }
            Err(error) => tracing::error!(set = self.name, %error, "the flags are not used"),
        }
    }

    fn put(&self, kept: Option<Kept>) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = kept;
    }
}

fn refuse(path: &Path, error: &BundleError) {
    tracing::error!(path = %path.display(), %error, "the file of flags is not used");
}

/// What tells one state of the file from another.
type Stamp = (u64, u64, i64, i64);

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some((found.ino(), found.len(), found.mtime(), found.mtime_nsec()))
}

/// Reads the file again whenever it changed. A file that is gone changes nothing. Never ends.
pub(crate) async fn follow(sets: Arc<Sets>) {
    let Some(path) = sets.path.clone() else { return };
    let mut known = None;
    loop {
        let now = stamp(&path);
        if now.is_some() && now != known {
            known = now;
            let reading = sets.clone();
            // A panic in there would be a defect of the reader: the sets before it stay.
            if let Ok(false) = tokio::task::spawn_blocking(move || reading.reload()).await {
                known = None;
                tokio::time::sleep(AGAIN).await;
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle(set: &str) -> String {
        format!(r#"{{"epoch":1,"sets":{{"shop/production":{set}}}}}"#)
    }

    #[test]
    fn the_last_good_set_stays_and_one_nobody_watches_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        let sets = Sets::of(path.clone());
        let slot = sets.slot("shop/production");
        assert!(slot.now().is_none());
        let one = r#"{"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}}}"#;
        fs::write(&path, bundle(one)).unwrap();
        sets.reload();
        let first = slot.now().unwrap();
        assert_eq!(first.flags.len(), 1);
        for broken in [bundle(r#"{"flags":5}"#), "{".to_owned()] {
            fs::write(&path, broken).unwrap();
            sets.reload();
            assert!(Arc::ptr_eq(&slot.now().unwrap(), &first));
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(!sets.reload(), "what cannot be read is tried again");
        assert!(Arc::ptr_eq(&slot.now().unwrap(), &first));
        drop(slot);
        sets.reload();
        assert!(sets.lock().is_empty());
    }
}
