//! Which instants an expression means.

use crate::schedule::{Schedule, ScheduleError, Zoned, zones};

/// The first `count` slots after an instant, as the zone shows them.
fn slots(text: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let schedule = Schedule::parse(text, zone).unwrap();
    let mut at = unix_ms(after);
    (0..count)
        .map(|_| {
            at = schedule.next_after(at).unwrap();
            Zoned::new(at, zone).to_string()
        })
        .collect()
}

fn unix_ms(text: &str) -> u64 {
    text.parse::<jiff::Timestamp>().unwrap().as_millisecond() as u64
}

#[test]
fn ordinary_times() {
    let five = slots("*/5 * * * *", "UTC", "2026-01-01T00:01:00Z", 2);
    assert_eq!(five, ["2026-01-01 00:05:00 +00:00", "2026-01-01 00:10:00 +00:00"]);
    let seconds = slots("*/20 * * * * *", "UTC", "2026-01-01T00:00:20Z", 2);
    assert_eq!(seconds, ["2026-01-01 00:00:40 +00:00", "2026-01-01 00:01:00 +00:00"]);
    assert_eq!(
        slots("30 6 * * MON-FRI", "Asia/Tokyo", "2026-01-02T00:00:00Z", 1),
        ["2026-01-05 06:30:00 +09:00"]
    );
    assert_eq!(
        slots("@daily", "America/New_York", "2026-01-01T05:00:00Z", 1),
        ["2026-01-02 00:00:00 -05:00"]
    );
    assert_eq!(slots("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", 1), ["2028-02-29 00:00:00 +00:00"]);
    assert_eq!(slots("0 0 L * *", "UTC", "2026-02-01T00:00:00Z", 1), ["2026-02-28 00:00:00 +00:00"]);
}

#[test]
fn a_slot_is_later_than_what_it_is_after() {
    let half_way = unix_ms("2026-01-01T00:05:00Z");
    let schedule = Schedule::parse("*/5 * * * *", "UTC").unwrap();
    assert_eq!(schedule.next_after(half_way - 1), Some(half_way));
    assert_eq!(schedule.next_after(half_way), Some(half_way + 300_000));
    assert_eq!(schedule.next_after(half_way + 1), Some(half_way + 300_000));
}

/// Berlin, 29 March 2026: 02:00 becomes 03:00 at 01:00 UTC.
#[test]
fn a_time_in_the_gap_is_due_once_right_after_it() {
    let zone = "Europe/Berlin";
    let after = "2026-03-28T12:00:00Z";
    let daily = slots("30 2 * * *", zone, after, 2);
    assert_eq!(daily, ["2026-03-29 03:00:00 +02:00", "2026-03-30 02:30:00 +02:00"]);
    // Several times of the gap, and one that is due right after it anyway, are one run.
    let several = slots("*/20 2,3 29 3 *", zone, after, 4);
    assert_eq!(
        several,
        [
            "2026-03-29 03:00:00 +02:00",
            "2026-03-29 03:20:00 +02:00",
            "2026-03-29 03:40:00 +02:00",
            "2027-03-29 02:00:00 +02:00"
        ]
    );
    assert_eq!(slots("15 1 * * *", zone, after, 1), ["2026-03-29 01:15:00 +01:00"]);
}

/// Berlin, 25 October 2026: 03:00 becomes 02:00 at 01:00 UTC.
#[test]
fn a_time_that_comes_twice_is_due_once_the_first_time() {
    let zone = "Europe/Berlin";
    let daily = slots("30 2 * * *", zone, "2026-10-24T12:00:00Z", 2);
    assert_eq!(daily, ["2026-10-25 02:30:00 +02:00", "2026-10-26 02:30:00 +01:00"]);
    // Between the two, and in the middle of the second hour, nothing is due again.
    assert_eq!(slots("30 2 * * *", zone, "2026-10-25T01:10:00Z", 1), ["2026-10-26 02:30:00 +01:00"]);
    assert_eq!(slots("*/30 2,3 * * *", zone, "2026-10-25T00:30:00Z", 1), ["2026-10-25 03:00:00 +01:00"]);
}

#[test]
fn what_is_due_in_every_hour_goes_by_time_as_it_passes() {
    let zone = "Europe/Berlin";
    let spring = slots("30 * * * *", zone, "2026-03-29T00:00:00Z", 2);
    assert_eq!(spring, ["2026-03-29 01:30:00 +01:00", "2026-03-29 03:30:00 +02:00"]);
    let autumn = slots("30 * * * *", zone, "2026-10-25T00:00:00Z", 3);
    assert_eq!(
        autumn,
        ["2026-10-25 02:30:00 +02:00", "2026-10-25 02:30:00 +01:00", "2026-10-25 03:30:00 +01:00"]
    );
}

/// Half an hour only, and a whole day that was left out.
#[test]
fn odd_gaps() {
    let lord_howe = slots("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00:00Z", 1);
    assert_eq!(lord_howe, ["2026-10-04 02:30:00 +11:00"]);
    let apia = slots("0 12 30 12 *", "Pacific/Apia", "2011-12-29T00:00:00Z", 2);
    assert_eq!(apia, ["2011-12-31 00:00:00 +14:00", "2012-12-30 12:00:00 +14:00"]);
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let wrong = |text: &str| Schedule::parse(text, "UTC").unwrap_err();
    assert_eq!(wrong("* * *"), ScheduleError::Fields(3));
    assert_eq!(wrong("* * * * * * 2030"), ScheduleError::Fields(7));
    assert_eq!(wrong("@often"), ScheduleError::ShortForm);
    assert_eq!(wrong("0 0 30 2 *"), ScheduleError::Never { at: 4..10 });
    assert_eq!(wrong("0 0 31 4,6 *"), ScheduleError::Never { at: 4..12 });
    assert_eq!(wrong(&"* ".repeat(200)), ScheduleError::TooLong);
    let field = |text: &str| {
        let error = wrong(text);
        let ScheduleError::Field { at, name, .. } = error else { panic!("{text}: {error:?}") };
        (text[at].to_owned(), name)
    };
    assert_eq!(field("0 25 * * *"), ("25".to_owned(), "hour"));
    assert_eq!(field("61 * * * *"), ("61".to_owned(), "minute"));
    assert_eq!(field("99 * * * * *"), ("99".to_owned(), "second"));
    assert_eq!(field("* * * 13 *"), ("13".to_owned(), "month"));
    assert_eq!(field("* * * * XYZ"), ("XYZ".to_owned(), "day of the week"));
    assert_eq!(field("*/0 * * * *"), ("*/0".to_owned(), "minute"));
    assert_eq!(field("10-5 * * * *"), ("10-5".to_owned(), "minute"));
    for zone in ["Europe/Berln", "europe/berlin", "", "../../etc/passwd"] {
        assert_eq!(Schedule::parse("@daily", zone).unwrap_err(), ScheduleError::Zone, "{zone}");
    }
}

#[test]
fn short_forms_mean_what_they_stand_for() {
    for (short, long) in Schedule::SHORT_FORMS {
        let after = "2026-05-17T11:12:13Z";
        assert_eq!(slots(short, "UTC", after, 3), slots(long, "UTC", after, 3), "{short}");
    }
}

#[test]
fn zones_are_there_without_the_machine() {
    let all = zones();
    assert!(all.len() > 400 && all.iter().any(|name| name == "Europe/Berlin"), "{}", all.len());
    assert!(all.iter().all(|name| Schedule::parse("@daily", name).is_ok()));
}
