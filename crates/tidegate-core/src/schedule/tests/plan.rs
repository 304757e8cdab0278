//! What becomes of a job.

use super::world::{BEGIN, World, spec};
use crate::model::{JobSpec, Overlap, RunCause, RunPhase};
use crate::time::Millis;

const MINUTE: Millis = Millis::seconds(60);

fn every_minute() -> World {
    World::new(spec("* * * * *"))
}

fn with(change: impl FnOnce(&mut JobSpec)) -> World {
    let mut spec = spec("* * * * *");
    change(&mut spec);
    World::new(spec)
}

#[test]
fn a_slot_is_run_when_it_is_due_and_not_before() {
    let mut world = every_minute();
    assert!(world.look().attempts.is_empty());
    let plan = world.after(Millis(59_999));
    assert!(plan.attempts.is_empty());
    assert_eq!(plan.wake, Some(world.moment + Millis(1)));
    let plan = world.after(Millis(1));
    assert_eq!(plan.attempts.len(), 1);
    assert_eq!((world.runs[0].slot_unix_ms, world.runs[0].cause), (BEGIN + 60_000, RunCause::Due));
    assert!(world.look().attempts.is_empty(), "decided once");
    world.end_all(0);
    world.look();
    assert_eq!(world.runs[0].phase, RunPhase::Succeeded);
    assert_eq!(world.told, ["job.started", "job.succeeded"]);
}

#[test]
fn forbid_leaves_slots_out_and_says_so_once_and_how_many() {
    let mut world = every_minute();
    world.after(MINUTE);
    for _ in 0..3 {
        assert!(world.after(MINUTE).attempts.is_empty());
    }
    assert_eq!(world.count("job.skipped"), 1);
    world.end_all(0);
    world.look();
    assert_eq!((world.count("job.skipped"), world.state.skipped), (2, 0));
    world.after(MINUTE);
    assert_eq!(world.started.len(), 2);
}

#[test]
fn queue_runs_them_one_after_the_other_and_no_more_than_ten_wait() {
    let mut world = with(|spec| spec.overlap = Overlap::Queue);
    for _ in 0..15 {
        world.after(MINUTE);
    }
    let queued = |world: &World| world.runs.iter().filter(|run| run.phase == RunPhase::Queued).count();
    assert_eq!((world.running(), queued(&world)), (1, 10));
    assert_eq!(world.count("job.skipped"), 1);
    for left in (0..10).rev() {
        world.end_all(0);
        world.look();
        assert_eq!((world.running(), queued(&world)), (1, left));
    }
    assert!(world.started.is_sorted());
}

#[test]
fn allow_runs_them_side_by_side_up_to_ten() {
    let mut world = with(|spec| spec.overlap = Overlap::Allow);
    for _ in 0..15 {
        world.after(MINUTE);
    }
    assert_eq!((world.running(), world.count("job.skipped")), (10, 1));
}

#[test]
fn a_failed_attempt_is_tried_again_after_a_growing_wait() {
    let mut world = with(|spec| (spec.retries, spec.schedule) = (2, "0 1 * * *".to_owned()));
    world.after(Millis::seconds(3_600));
    let mut waits = Vec::new();
    for attempt in 1..=2 {
        world.end_all(3);
        world.look();
        let RunPhase::Waiting { until } = world.runs[0].phase else { panic!("{:?}", world.runs[0]) };
        waits.push(until.since(world.moment));
        assert!(world.after(Millis(until.since(world.moment).0 - 1)).attempts.is_empty());
        let plan = world.after(Millis(1));
        assert_eq!(plan.attempts.len(), 1);
        assert_eq!(plan.attempts[0].attempt, attempt + 1);
    }
    assert!(waits[0] >= Millis::seconds(5) && waits[1] >= Millis::seconds(10), "{waits:?}");
    world.end_all(3);
    world.look();
    assert_eq!(world.runs[0].phase, RunPhase::Failed);
    assert_eq!(world.told.last().unwrap(), "job.failed");
}

/// How far it got is not known: half a run may not bear a second one.
#[test]
fn an_attempt_nobody_saw_the_end_of_is_not_tried_again() {
    let mut world = with(|spec| spec.retries = 5);
    world.after(MINUTE);
    world.processes.clear();
    world.look();
    assert_eq!(world.runs[0].phase, RunPhase::Failed);
    assert!(world.runs[0].exit.as_ref().unwrap().to_string().contains("interrupted"));
}

#[test]
fn the_newest_missed_slot_is_made_up_for_where_it_is_young() {
    let mut world = with(|spec| spec.schedule = "*/10 * * * *".to_owned());
    let plan = world.after(Millis::seconds(34 * 60));
    assert_eq!(plan.attempts.len(), 1);
    assert_eq!((world.runs[0].slot_unix_ms, world.runs[0].cause), (BEGIN + 30 * 60_000, RunCause::CaughtUp));
    assert_eq!(world.count("job.missed"), 1);
    world.end_all(0);
    // Six minutes late is too late.
    let plan = world.after(Millis::seconds(12 * 60));
    assert!(plan.attempts.is_empty());
    assert_eq!(world.count("job.missed"), 2);
    assert_eq!(world.state.decided_unix_ms, BEGIN + 40 * 60_000);
}

#[test]
fn without_catch_up_a_slot_that_is_on_time_still_runs() {
    let mut world = with(|spec| spec.catch_up = Millis::ZERO);
    assert_eq!(world.after(Millis::seconds(69)).attempts.len(), 1);
    world.end_all(0);
    assert!(world.after(Millis::seconds(71)).attempts.is_empty());
    assert_eq!(world.count("job.missed"), 1);
}

#[test]
fn a_year_away_is_looked_through_quickly_and_told_in_one_line() {
    let mut world = with(|spec| spec.schedule = "* * * * * *".to_owned());
    let plan = world.after(Millis(365 * 86_400_000));
    assert_eq!(plan.attempts.len(), 1);
    assert_eq!(world.runs[0].slot_unix_ms, world.unix_ms);
    assert_eq!(world.told, ["job.missed", "job.started"]);
    assert!(plan.events[0].message.starts_with("more than"), "{}", plan.events[0].message);
}

#[test]
fn a_clock_put_back_by_an_hour_runs_nothing_twice_and_by_a_month_counts_anew() {
    let mut world = every_minute();
    world.after(Millis::seconds(7_200));
    world.end_all(0);
    world.look();
    world.unix_ms -= 3_600_000;
    for _ in 0..59 {
        assert!(world.after(MINUTE).attempts.is_empty());
    }
    assert_eq!(world.after(Millis::seconds(120)).attempts.len(), 1);
    world.end_all(0);
    world.look();
    world.unix_ms -= 30 * 86_400_000;
    world.look();
    assert_eq!(world.count("job.clock"), 1);
    assert_eq!(world.after(MINUTE).attempts.len(), 1);
}

#[test]
fn a_job_its_revision_no_longer_has_ends_what_runs_and_begins_nothing() {
    let mut world = with(|spec| spec.overlap = Overlap::Queue);
    world.after(MINUTE);
    world.after(MINUTE);
    world.spec = None;
    assert!(!world.after(MINUTE).gone);
    assert_eq!(world.runs.iter().filter(|run| run.phase == RunPhase::Failed).count(), 1);
    world.end_all(0);
    assert!(world.look().gone);
    assert_eq!(world.started.len(), 1);
}
