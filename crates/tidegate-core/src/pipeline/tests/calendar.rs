//! Windows and freezes.

use proptest::prelude::*;

use crate::model::{EnvironmentPolicy, Freeze, FreezeTime, Window};
use crate::pipeline::{Opening, opening};
use crate::schedule::{instant, zones};
use crate::time::Millis;

const BERLIN: &str = "Europe/Berlin";

fn window(schedule: &str, timezone: &str, lasts: &str, cutoff: &str) -> Window {
    let span = |text: &str| text.parse::<Millis>().unwrap();
    Window { schedule: schedule.into(), timezone: timezone.into(), lasts: span(lasts), cutoff: span(cutoff) }
}

fn between(from: &str, until: &str, timezone: &str) -> Freeze {
    let (from_unix_ms, until_unix_ms) = (instant(from, timezone).unwrap(), instant(until, timezone).unwrap());
    Freeze { why: Some("holidays".into()), when: FreezeTime::Between { from_unix_ms, until_unix_ms } }
}

fn again(schedule: &str, timezone: &str, lasts: &str) -> Freeze {
    Freeze { why: None, when: FreezeTime::Schedule(window(schedule, timezone, lasts, "0s")) }
}

fn office_hours() -> EnvironmentPolicy {
    let windows = vec![window("0 8 * * 1-5", BERLIN, "8h", "30m")];
    EnvironmentPolicy { windows, ..EnvironmentPolicy::default() }
}

/// At a time of a Berlin day: `None` if open, else the next opening.
fn at(policy: &EnvironmentPolicy, civil: &str) -> Option<Option<u64>> {
    match opening(policy, instant(civil, BERLIN).unwrap()) {
        Opening::Open => None,
        Opening::Closed { opens_unix_ms, .. } => Some(opens_unix_ms),
    }
}

fn next(civil: &str) -> Option<Option<u64>> {
    Some(Some(instant(civil, BERLIN).unwrap()))
}

#[test]
fn without_windows_and_freezes_it_is_always_open() {
    assert_eq!(opening(&EnvironmentPolicy::default(), 0), Opening::Open);
}

#[test]
fn a_window_is_open_from_its_slot_to_its_cutoff() {
    let policy = office_hours();
    assert_eq!(at(&policy, "2026-11-23T07:59:59"), next("2026-11-23T08:00"));
    assert_eq!(at(&policy, "2026-11-23T08:00"), None);
    assert_eq!(at(&policy, "2026-11-23T15:29:59"), None);
    assert_eq!(at(&policy, "2026-11-23T15:30"), next("2026-11-24T08:00"));
    assert_eq!(at(&policy, "2026-11-27T16:00"), next("2026-11-30T08:00"), "over the weekend");
}

#[test]
fn why_it_is_closed_is_said_with_the_next_opening() {
    let why = |policy: &EnvironmentPolicy, civil: &str| match opening(policy, instant(civil, BERLIN).unwrap())
    {
        Opening::Closed { why, .. } => why,
        Opening::Open => panic!("it is open"),
    };
    let mut policy = office_hours();
    assert_eq!(
        why(&policy, "2026-11-28T12:00"),
        "no window is open; deploys begin again at 2026-11-30 08:00:00 +01:00"
    );
    policy.freezes.push(between("2026-12-20", "2027-01-05", BERLIN));
    assert_eq!(
        why(&policy, "2026-12-24T12:00"),
        "it is frozen (holidays); deploys begin again at 2027-01-05 08:00:00 +01:00"
    );
    policy.windows = vec![window("0 0 24 12 *", BERLIN, "1h", "0s")];
    policy.freezes = vec![again("0 0 23 12 *", BERLIN, "3d")];
    assert_eq!(why(&policy, "2026-12-24T00:30"), "it is frozen; nothing says when deploys begin again");
}

#[test]
fn freezes_win_and_their_end_is_looked_at_again() {
    let mut policy = office_hours();
    policy.freezes =
        vec![between("2026-12-20", "2027-01-05", BERLIN), between("2027-01-05", "2027-01-06T10:00", BERLIN)];
    assert_eq!(at(&policy, "2026-12-18T12:00"), None, "before it");
    assert_eq!(at(&policy, "2026-12-21T12:00"), next("2027-01-06T10:00"), "one after the other");
    policy.freezes = vec![again("0 0 * * 1", BERLIN, "1d")];
    assert_eq!(at(&policy, "2026-11-27T16:00"), next("2026-12-01T08:00"), "Mondays are frozen");
}

/// Berlin: 02:00 becomes 03:00 on 29 March 2026, 03:00 becomes 02:00 on 25 October 2026.
#[test]
fn a_window_lasts_as_time_passes_also_where_clocks_change() {
    let night = |lasts: &str| {
        let windows = vec![window("0 1 * * *", BERLIN, lasts, "0s")];
        EnvironmentPolicy { windows, ..EnvironmentPolicy::default() }
    };
    // Three hours from 01:00 are over at 05:00 by the clock in spring, and at 03:00 in autumn.
    assert_eq!(at(&night("3h"), "2026-03-29T04:59:59"), None);
    assert_eq!(at(&night("3h"), "2026-03-29T05:00"), next("2026-03-30T01:00"));
    assert_eq!(at(&night("3h"), "2026-10-25T02:59:59"), None);
    assert_eq!(at(&night("3h"), "2026-10-25T03:00"), next("2026-10-26T01:00"));
    // One that would open in the gap opens right after it.
    let gap = EnvironmentPolicy {
        windows: vec![window("30 2 * * *", BERLIN, "1h", "0s")],
        ..EnvironmentPolicy::default()
    };
    assert_eq!(at(&gap, "2026-03-29T01:59"), next("2026-03-29T03:00"));
    assert_eq!(at(&gap, "2026-03-29T03:59"), None);
}

#[test]
fn the_first_of_several_windows_opens() {
    let mut policy = office_hours();
    policy.windows.push(window("0 22 * * 6", BERLIN, "2h", "0s"));
    assert_eq!(at(&policy, "2026-11-27T16:00"), next("2026-11-28T22:00"));
    assert_eq!(at(&policy, "2026-11-28T23:00"), None);
}

#[test]
fn a_calendar_that_never_opens_is_told_and_ends() {
    let mut policy = office_hours();
    policy.freezes = vec![again("* * * * *", "UTC", "1h")];
    assert_eq!(at(&policy, "2026-11-23T10:00"), Some(None));
    policy.freezes.clear();
    policy.windows[0].cutoff = policy.windows[0].lasts;
    assert_eq!(at(&policy, "2026-11-23T10:00"), Some(None));
    policy.windows[0].schedule = "no schedule".into();
    assert_eq!(at(&policy, "2026-11-23T10:00"), Some(None), "what cannot be read opens nothing");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// What is said to be the next opening is one, and there is none before it.
    #[test]
    fn invariant_the_next_opening_is_the_first(
        zone in 0_usize..400, hour in 0_u32..24, lasts in 1_u64..20, from in 1_700_000_000_u64..1_900_000_000,
        frozen in 0_u64..200, weekday in 0_u32..7
    ) {
        let names = zones();
        let zone = &names[zone % names.len()];
        let freeze = FreezeTime::Between { from_unix_ms: from * 1_000, until_unix_ms: (from + frozen * 3_600) * 1_000 };
        let policy = EnvironmentPolicy {
            windows: vec![window(&format!("0 {hour} * * *"), zone, &format!("{lasts}h"), "10m")],
            freezes: vec![Freeze { why: None, when: freeze }, again(&format!("0 0 * * {weekday}"), zone, "1d")],
            ..EnvironmentPolicy::default()
        };
        let now = from * 1_000;
        if let Opening::Closed { opens_unix_ms, .. } = opening(&policy, now) {
            let opens = opens_unix_ms.unwrap();
            prop_assert!(opens > now);
            prop_assert_eq!(opening(&policy, opens), Opening::Open);
            for part in 0..50 {
                let before = now + (opens - now) / 50 * part;
                let is_closed = matches!(opening(&policy, before.min(opens - 1)), Opening::Closed { .. });
                prop_assert!(is_closed);
            }
        }
    }
}
