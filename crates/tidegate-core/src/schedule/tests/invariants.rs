//! What holds whatever happens.

use proptest::prelude::*;

use super::world::{World, spec};
use crate::model::{Overlap, RunPhase};
use crate::schedule::{Schedule, zones};
use crate::time::Millis;

/// Something that happens to a job.
#[derive(Clone, Debug)]
enum Happening {
    /// Time passes, and the control plane looks at the end of it.
    Pass(u64),
    /// The wall clock jumps.
    Jump(i64),
    /// A decision is made and the control plane is killed before it is written.
    KilledBeforeCommit,
    /// All processes end with this code.
    End(i32),
    /// All processes are gone, and nobody saw how.
    Lose,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        6 => (1_u64..200_000).prop_map(Happening::Pass),
        1 => (1_u64..8_000_000).prop_map(Happening::Pass),
        1 => (-3_600_000_i64..=3_600_000).prop_map(Happening::Jump),
        1 => Just(Happening::KilledBeforeCommit),
        3 => prop_oneof![Just(0), Just(1)].prop_map(Happening::End),
        1 => Just(Happening::Lose),
    ]
}

fn overlap() -> impl Strategy<Value = Overlap> {
    prop_oneof![Just(Overlap::Forbid), Just(Overlap::Queue), Just(Overlap::Allow)]
}

fn happen(world: &mut World, what: &Happening) {
    match what {
        Happening::Pass(ms) => drop(world.after(Millis(*ms))),
        Happening::Jump(by) => world.unix_ms = world.unix_ms.saturating_add_signed(*by),
        Happening::KilledBeforeCommit => drop(world.would_be()),
        Happening::End(code) => world.end_all(*code),
        Happening::Lose => world.processes.clear(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Clock jumps of an hour, kills and losses included.
    #[test]
    fn invariant_no_slot_gets_two_runs(
        overlap in overlap(), retries in 0_u32..3, story in prop::collection::vec(happening(), 1..60)
    ) {
        let mut job = spec("*/2 * * * *");
        (job.overlap, job.retries) = (overlap, retries);
        let mut world = World::new(job);
        for what in &story {
            happen(&mut world, what);
        }
        let mut slots: Vec<u64> = world.runs.iter().map(|run| run.slot_unix_ms).collect();
        slots.sort_unstable();
        let all = slots.len();
        slots.dedup();
        prop_assert_eq!(slots.len(), all);
        let most = retries as usize + 1;
        prop_assert!(world.runs.iter().all(|run| run.attempts.len() <= most));
    }

    /// Each slot that passed has a run, or a line of the timeline that speaks of it.
    #[test]
    fn invariant_no_slot_is_lost_silently(
        overlap in overlap(), spans in prop::collection::vec((1_u64..900_000, any::<bool>()), 1..40)
    ) {
        let mut job = spec("* * * * *");
        job.overlap = overlap;
        let mut world = World::new(job);
        for (span, ends) in spans {
            let (before, told, runs) = (world.state.decided_unix_ms, world.told.len(), world.runs.len());
            let skipped = world.state.skipped;
            world.after(Millis(span));
            let passed = (world.unix_ms / 60_000) - (before / 60_000);
            let news = &world.told[told..];
            let accounted = (world.runs.len() - runs) as u64 + world.state.skipped.saturating_sub(skipped);
            let spoken_of = news.iter().any(|kind| kind == "job.missed");
            prop_assert!(passed == accounted || spoken_of, "{passed} passed, {accounted} accounted for");
            prop_assert_eq!(world.state.decided_unix_ms / 60_000, world.unix_ms / 60_000);
            if ends {
                world.end_all(0);
                world.look();
            }
        }
    }

    /// Where runs must not overlap, they do not.
    #[test]
    fn invariant_runs_overlap_only_where_they_may(
        queue in any::<bool>(), story in prop::collection::vec(happening(), 1..60)
    ) {
        let mut job = spec("* * * * *");
        (job.overlap, job.retries) = (if queue { Overlap::Queue } else { Overlap::Forbid }, 1);
        let mut world = World::new(job);
        for what in &story {
            happen(&mut world, what);
            prop_assert!(world.runs.iter().filter(|run| run.phase.is_in_progress()).count() <= 1);
        }
    }

    /// The same again decides nothing more.
    #[test]
    fn invariant_a_second_look_changes_nothing(story in prop::collection::vec(happening(), 1..40)) {
        let mut world = World::new(spec("* * * * *"));
        for what in &story {
            happen(&mut world, what);
        }
        world.look();
        let again = world.would_be();
        prop_assert_eq!(again.state, world.state.clone());
        prop_assert!(again.attempts.is_empty() && again.events.is_empty());
        let open = world.runs.iter().filter(|run| !run.phase.is_over()).count();
        prop_assert_eq!(again.runs.len(), open);
        prop_assert!(again.runs.iter().all(|run| run.phase != RunPhase::Succeeded));
    }

    /// In every zone: slots go forward, whole seconds, and a day has no time without one that a daily job would miss.
    #[test]
    fn invariant_a_daily_job_is_due_once_on_every_day(
        zone in 0_usize..400, hour in 0_u32..24, minute in 0_u32..60, start in 0_u64..2_000_000_000
    ) {
        let names = zones();
        let zone = &names[zone % names.len()];
        let schedule = Schedule::parse(&format!("{minute} {hour} * * *"), zone).unwrap();
        let mut at = start * 1_000;
        for _ in 0..200 {
            let next = schedule.next_after(at).unwrap();
            prop_assert!(next > at && next.is_multiple_of(1_000));
            // A zone that leaves out or repeats a whole day is the longest step there is.
            prop_assert!(next - at <= 50 * 3_600_000, "{zone}: {at} to {next}");
            at = next;
        }
    }

    /// In every zone: what is due every ten minutes is never due later than that.
    #[test]
    fn invariant_every_ten_minutes_is_every_ten_minutes(
        zone in 0_usize..400, start in 631_152_000_u64..2_000_000_000
    ) {
        let names = zones();
        let zone = &names[zone % names.len()];
        let schedule = Schedule::parse("*/10 * * * *", zone).unwrap();
        let first = schedule.next_after(start * 1_000).unwrap();
        let mut at = first;
        for _ in 0..200 {
            let next = schedule.next_after(at).unwrap();
            prop_assert!(next > at && next - at <= 600_000, "{zone}: {at} to {next}");
            at = next;
        }
    }
}
