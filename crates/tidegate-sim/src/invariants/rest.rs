//! At rest: what is there is what is wanted, no more and no less.

use std::collections::BTreeSet;

use tidegate_backend::fake::FakeBackend;
use tidegate_core::model::{InstanceId, JobPhase, RevisionNo};
use tidegate_store::Reader;

use super::{Held, ensure};
use crate::view::View;

/// Every process has a row, and every row a process (one that waits for its next start may have none, and a folder of
/// files has none).
pub fn invariant_no_orphans(view: &View, store: &Reader, backend: &FakeBackend) -> Held {
    let rows: BTreeSet<&InstanceId> =
        view.services.values().flat_map(|service| &service.instances).map(|instance| &instance.id).collect();
    let jobs = store.jobs().unwrap_or_default();
    let running = jobs.iter().filter(|job| !matches!(job.phase, JobPhase::Ended(_))).map(|job| &job.id);
    let wanted: BTreeSet<&InstanceId> = rows.iter().copied().chain(running).collect();
    let orphan = backend.units().keys().find(|id| !wanted.contains(id));
    ensure("invariant_no_orphans", orphan.is_none(), || format!("{orphan:?} runs and is in no table"))?;
    let mut waiting = view.services.values().flat_map(|service| &service.instances);
    let runs = |id: &InstanceId| backend.units().contains_key(id);
    let gone = waiting.find(|row| row.next_start.is_none() && !row.files && !runs(&row.id));
    ensure("invariant_no_orphans", gone.is_none(), || format!("no process stands for {gone:?}"))
}

/// Stable runs exactly its wanted instances; everything else is gone, but for what does the work of a stable revision that is not
/// fit for it.
pub fn invariant_rest_is_what_is_wanted(view: &View) -> Held {
    for (key, service) in &view.services {
        ensure("invariant_rest_is_what_is_wanted", service.is_as_wanted(), || {
            let (stable, wanted) = (service.state.stable, service.desired(service.state.stable));
            let rows: Vec<(&InstanceId, RevisionNo)> =
                service.instances.iter().map(|instance| (&instance.id, instance.revision)).collect();
            format!("{key}: stable is {stable:?} with {wanted}, there are {rows:?}")
        })?;
    }
    Ok(())
}

/// Nothing waits to be done.
pub fn invariant_rest_has_an_empty_outbox(store: &Reader) -> Held {
    let outbox = store.outbox::<serde_json::Value>().unwrap_or_default();
    ensure("invariant_rest_has_an_empty_outbox", outbox.is_empty(), || format!("{outbox:?}"))
}

/// The story, all faults over, comes to rest in time.
pub fn invariant_every_story_comes_to_rest(at_rest: bool, why_not: impl FnOnce() -> String) -> Held {
    ensure("invariant_every_story_comes_to_rest", at_rest, why_not)
}
