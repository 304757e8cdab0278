//! Revisions read before: they never change, so they are read once.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::{Name, Revision, RevisionNo, ServiceKey};
use tidegate_store::{Reader, StoreError};

type Key = (Name, Name, RevisionNo);

/// The cache.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    known: BTreeMap<Key, Arc<Revision>>,
}

/// Beyond this many the cache starts over.
const MOST: usize = 4_096;

impl Revisions {
    /// A revision of a service's environment.
    pub(super) fn get(
        &mut self,
        store: &Reader,
        key: &ServiceKey,
        number: RevisionNo,
    ) -> Result<Option<Arc<Revision>>, StoreError> {
        let place = (key.app.clone(), key.environment.clone(), number);
        if let Some(found) = self.known.get(&place) {
            return Ok(Some(found.clone()));
        }
        let Some(found) = store.revision(&key.app, &key.environment, number)?.map(Arc::new) else {
            return Ok(None);
        };
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.insert(place, found.clone());
        Ok(Some(found))
    }
}
