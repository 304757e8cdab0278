//! The flags that are served at one time, whole and by flag set. Never changes but for what it keeps in memory.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use tidegate_flags::{FlagSet, Problem};

use crate::selection::Selection;

/// Flag sets that are kept ready. A file may have more of them than memory is to be spent on.
const MOST_KEPT: usize = 256;
/// A client that asked before a change may begin to follow after it: so long it is told when it begins.
const FRESH: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub struct Snapshot {
    whole: Arc<Selection>,
    /// The flag sets that there are.
    names: HashSet<String>,
    kept: Mutex<HashMap<String, Arc<Selection>>>,
    /// What every other name selects: names come from clients, which can invent as many as they like.
    nothing: OnceLock<Arc<Selection>>,
    since: SystemTime,
    after_another: bool,
}

impl Snapshot {
    /// Flags, read at this time.
    pub fn new(set: FlagSet, since: SystemTime) -> Self {
        let names = set.flag_sets().map(str::to_owned).collect();
        let whole = Arc::new(Selection::new(set));
        let (kept, nothing) = (Mutex::default(), OnceLock::new());
        Snapshot { whole, names, kept, nothing, since, after_another: false }
    }

    /// How many flags there are.
    pub fn flags(&self) -> usize {
        self.whole.set().len()
    }

    /// Flags whose rules cannot be understood: the others are served.
    pub fn problems(&self) -> impl Iterator<Item = Problem> {
        self.whole.set().problems()
    }

    /// When it was read.
    pub fn since(&self) -> SystemTime {
        self.since
    }

    /// All flags.
    pub(crate) fn whole(&self) -> &Arc<Selection> {
        &self.whole
    }

    /// Those of one flag set, or all.
    pub(crate) fn select(&self, set: Option<&str>) -> Arc<Selection> {
        let Some(set) = set else { return self.whole.clone() };
        let make = || Arc::new(Selection::new(self.whole.set().select(set)));
        if !self.names.contains(set) {
            return self.nothing.get_or_init(make).clone();
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(selection) = kept.get(set) {
            return selection.clone();
        }
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.entry(set.to_owned()).or_insert_with(make).clone()
    }

    /// The same, in the place of others.
    pub(crate) fn after_another(self) -> Self {
        Snapshot { after_another: true, ..self }
    }

    /// Whether a client may have asked before the change to this one and follow only now.
    pub(crate) fn is_fresh(&self, now: SystemTime) -> bool {
        self.after_another && now.duration_since(self.since).is_ok_and(|age| age < FRESH)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_flags::Options;

    use super::*;

    fn snapshot(sets: usize) -> Snapshot {
        let flag = |number: usize| {
            let metadata = json!({ "flagSetId": format!("set-{number}") });
            let flag = json!({ "state": "ENABLED", "variants": { "on": true }, "defaultVariant": "on", "metadata": metadata });
            (format!("flag-{number}"), flag)
        };
        let file = json!({ "flags": serde_json::Map::from_iter((0..sets).map(flag)) });
        Snapshot::new(FlagSet::parse(&file.to_string(), &Options::default()).unwrap(), SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn names_that_clients_invent_do_not_push_out_those_that_there_are() {
        let snapshot = snapshot(3);
        let one = snapshot.select(Some("set-1"));
        assert_eq!(one.set().len(), 1);
        let invented = snapshot.select(Some("invented"));
        assert!(invented.set().is_empty());
        for number in 0..10_000 {
            let name = format!("invented-{number}");
            assert!(Arc::ptr_eq(&snapshot.select(Some(&name)), &invented));
        }
        assert!(Arc::ptr_eq(&snapshot.select(Some("set-1")), &one));
        assert!(Arc::ptr_eq(&snapshot.select(None), snapshot.whole()));
    }

    #[test]
    fn however_many_sets_there_are_so_many_are_kept() {
        let snapshot = snapshot(MOST_KEPT * 3);
        for number in 0..MOST_KEPT * 3 {
            assert_eq!(snapshot.select(Some(&format!("set-{number}"))).set().len(), 1);
        }
        assert!(snapshot.kept.lock().unwrap().len() <= MOST_KEPT);
    }
}
