//! Which revision jobs run.

use std::collections::BTreeMap;

use super::world::{BEGIN, spec};
use crate::model::{
    BuildId, JobSpec, JobState, Name, Revision, RevisionNo, RevisionSpec, RolloutId, ServiceKey, ServiceState,
};
use crate::schedule::{adopt, agreed};

fn key(name: &str) -> ServiceKey {
    ServiceKey {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
        service: name.parse().unwrap(),
    }
}

fn service(name: &str, stable: Option<u32>, rollout: Option<u64>) -> ServiceState {
    let (stable, rollout) = (stable.map(RevisionNo), rollout.map(RolloutId));
    ServiceState { stable, rollout, ..ServiceState::new(key(name)) }
}

fn revision(number: u32, jobs: &[(&str, JobSpec)]) -> Revision {
    let jobs: BTreeMap<Name, JobSpec> =
        jobs.iter().map(|(name, spec)| (name.parse().unwrap(), spec.clone())).collect();
    let spec = RevisionSpec {
        build: BuildId("b".to_owned()),
        services: BTreeMap::new(),
        routes: Vec::new(),
        migrate: None,
        jobs,
        trains: BTreeMap::new(),
        settings: Default::default(),
    };
    Revision {
        app: "shop".parse().unwrap(),
        environment: "production".parse().unwrap(),
        number: RevisionNo(number),
        digest: String::new(),
        spec,
        commit: None,
        dirty: false,
        made_at_unix_ms: 0,
    }
}

fn states(revision: &Revision, known: &[JobState], now: u64) -> Vec<JobState> {
    adopt(revision, &[], known, now).states
}

#[test]
fn jobs_move_when_every_service_has_the_revision_and_nothing_is_under_way() {
    let r = RevisionNo;
    assert_eq!(agreed(&[]), None);
    assert_eq!(agreed(&[service("web", Some(2), None)]), Some(r(2)));
    assert_eq!(agreed(&[service("web", Some(2), Some(7))]), None);
    assert_eq!(agreed(&[service("web", Some(2), None), service("api", Some(1), None)]), None);
    assert_eq!(agreed(&[service("web", Some(2), None), service("api", Some(2), None)]), Some(r(2)));
    // One that never had a stable revision is the revision's own to miss.
    assert_eq!(agreed(&[service("web", Some(2), None), service("api", None, None)]), Some(r(2)));
}

#[test]
fn a_job_keeps_its_place_unless_its_schedule_changes() {
    let first = states(&revision(1, &[("report", spec("0 * * * *"))]), &[], BEGIN);
    assert_eq!((first.len(), first[0].decided_unix_ms), (1, BEGIN));
    assert!(states(&revision(1, &[("report", spec("0 * * * *"))]), &first, BEGIN + 5).is_empty());
    let same = states(&revision(2, &[("report", spec("0 * * * *"))]), &first, BEGIN + 5);
    assert_eq!((same[0].revision, same[0].decided_unix_ms), (RevisionNo(2), BEGIN));
    let other = states(&revision(3, &[("report", spec("5 * * * *"))]), &same, BEGIN + 9);
    assert_eq!((other[0].decided_unix_ms, other[0].schedule.as_str()), (BEGIN + 9, "5 * * * *"));
    // Back again later: slots that were decided about stay so.
    let back = states(&revision(1, &[("report", spec("0 * * * *"))]), &other, BEGIN + 7);
    assert_eq!(back[0].decided_unix_ms, BEGIN + 9);
}

#[test]
fn a_job_that_is_gone_is_told_of_once() {
    let first = states(&revision(1, &[("report", spec("0 * * * *"))]), &[], BEGIN);
    let adopted = adopt(&revision(2, &[]), &[], &first, BEGIN);
    assert_eq!((adopted.states[0].revision, adopted.events.len()), (RevisionNo(2), 1));
    assert!(adopt(&revision(2, &[]), &[], &adopted.states, BEGIN).events.is_empty());
}
