//! What the same build showed in the environment before, for the judgement of a rollout that begins.

use tidegate_core::judge::Carried;
use tidegate_core::judgement::policy_of;
use tidegate_core::model::{BuildId, Name, RevisionNo, Rollout, ServiceKey};
use tidegate_store::{Reader, StoreError};

/// So many of the latest rollouts there are looked at.
const MOST_ROLLOUTS: usize = 50;

/// Of the latest rollout of the same build that ended in the environment that is carried from, where it was judged.
pub(super) fn found(store: &Reader, rollout: &Rollout) -> Result<Option<Carried>, StoreError> {
    let strategy = &rollout.effective.strategy;
    let Some(from) = &strategy.judge.carries_from else { return Ok(None) };
    let Some(build) = build_of(store, &rollout.key, rollout.to)? else { return Ok(None) };
    let Some(earlier) = earlier(store, &rollout.key, from, &build)? else { return Ok(None) };
    let Some(judgement) = store.judgement(earlier.id)? else { return Ok(None) };
    let about = format!("rollout {} of {}", earlier.id, earlier.key);
    Ok(judgement.judge().carry(about, &policy_of(strategy)))
}

fn earlier(
    store: &Reader,
    key: &ServiceKey,
    environment: &Name,
    build: &BuildId,
) -> Result<Option<Rollout>, StoreError> {
    let key = ServiceKey { environment: environment.clone(), ..key.clone() };
    for rollout in store.rollouts_of(&key, MOST_ROLLOUTS)? {
        if rollout.ended_at.is_some() && build_of(store, &key, rollout.to)?.as_ref() == Some(build) {
            return Ok(Some(rollout));
        }
    }
    Ok(None)
}

fn build_of(store: &Reader, key: &ServiceKey, number: RevisionNo) -> Result<Option<BuildId>, StoreError> {
    let revision = store.revision(&key.app, &key.environment, number)?;
    Ok(revision.map(|revision| revision.spec.build))
}
