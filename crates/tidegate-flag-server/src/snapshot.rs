//! The flags that are served at one time, whole and by flag set. Never changes but for what it keeps in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tidegate_flags::{FlagSet, Problem};

use crate::selection::Selection;

/// Flag sets that are kept ready; names come from clients, so there is an end to it.
const MOST_KEPT: usize = 64;
/// A client that asked before a change may begin to follow after it: so long it is told when it begins.
const FRESH: Duration = Duration::from_secs(60);

/// See the module.
#[derive(Debug)]
pub struct Snapshot {
    whole: Arc<Selection>,
    kept: Mutex<HashMap<String, Arc<Selection>>>,
    since: SystemTime,
    after_another: bool,
}

impl Snapshot {
    /// Flags, read at this time.
    pub fn new(set: FlagSet, since: SystemTime) -> Self {
        let whole = Arc::new(Selection::new(set));
        Snapshot { whole, kept: Mutex::default(), since, after_another: false }
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
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(selection) = kept.get(set) {
            return selection.clone();
        }
        let selection = Arc::new(Selection::new(self.whole.set().select(set)));
        if kept.len() < MOST_KEPT {
            kept.insert(set.to_owned(), selection.clone());
        }
        selection
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
