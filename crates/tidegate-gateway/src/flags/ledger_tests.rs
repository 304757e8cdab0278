//! Requests noted by workers, and the reports that come of them.

use tidegate_core::model::BundleExperiment;

use super::*;

fn experiment() -> Arc<Experiment> {
    let variants = vec!["off".to_owned(), "on".to_owned()];
    Arc::new(Experiment {
        set: "shop/production".to_owned(),
        flag: "cart".parse().unwrap(),
        known: BundleExperiment { design: "d1".to_owned(), variants },
    })
}

/// A user by number, who is given a variant at a moment.
fn sighting(user: u32, place: usize, at_unix_ms: u64) -> Sighting {
    let mut digest = [0; 16];
    digest[..4].copy_from_slice(&user.to_le_bytes());
    Sighting { experiment: experiment(), user: digest, place, at_unix_ms }
}

fn reports(ledger: &Ledger) -> Vec<ExposureReport> {
    let Ok(entries) = fs::read_dir(&ledger.dir) else { return Vec::new() };
    let read = |entry: fs::DirEntry| serde_json::from_slice(&fs::read(entry.path()).unwrap()).unwrap();
    let mut reports: Vec<ExposureReport> = entries.flatten().map(read).collect();
    reports.sort_by_key(|report| report.serial);
    reports
}

#[test]
fn what_workers_saw_of_a_user_is_told_together_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().to_owned(), 2);
    let ms = Duration::from_millis;
    ledger.note(0, &sighting(1, 1, 700), Outcome::Good, ms(10));
    ledger.note(1, &sighting(1, 1, 500), Outcome::ServerError, ms(20));
    ledger.note(1, &sighting(1, 1, 900), Outcome::Cancelled, ms(70));
    ledger.note(7, &sighting(1, 1, 900), Outcome::Good, ms(1));
    ledger.write("1-a").unwrap();
    ledger.write("1-a").unwrap();
    let all = reports(&ledger);
    assert_eq!(
        (all.len(), all[0].serial, all[0].incarnation.as_str()),
        (1, 1, "1-a"),
        "nothing new, no report"
    );
    let told = &all[0].experiments[0];
    assert_eq!(
        (told.set.as_str(), told.flag.as_str(), told.design.as_str()),
        ("shop/production", "cart", "d1")
    );
    let user = &told.users[0];
    assert_eq!((user.variant.as_str(), user.at_unix_ms), ("on", 500));
    assert_eq!((user.requests, user.answered, user.bad, user.latency_ms), (3, 2, 1, 100.0));
    ledger.note(0, &sighting(1, 1, 900), Outcome::Good, ms(1));
    ledger.write("1-a").unwrap();
    assert_eq!(reports(&ledger).last().unwrap().serial, 2);
}

#[test]
fn users_beyond_the_most_are_counted_and_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().to_owned(), 2);
    for user in 0..MOST_EXPOSED as u32 + 50 {
        ledger.note(user as usize % 2, &sighting(user, 0, 5), Outcome::Good, Duration::ZERO);
    }
    ledger.note(0, &sighting(0, 0, 5), Outcome::Good, Duration::ZERO);
    ledger.write("1-a").unwrap();
    let told = &reports(&ledger)[0].experiments[0];
    assert_eq!(told.users.len(), MOST_EXPOSED);
    let told_of: u64 = told.users.iter().map(|user| u64::from(user.requests)).sum();
    assert_eq!(told_of + told.dropped, MOST_EXPOSED as u64 + 51, "every request is accounted for");
}

#[test]
fn those_over_the_most_of_a_report_are_counted() {
    let mut users = Users { dropped: 1, ..Users::default() };
    for user in 0..10_u8 {
        users.add(([user; 16], 0), Tally::of(5, Outcome::Good, Duration::ZERO));
    }
    users.keep(4);
    assert_eq!((users.seen.len(), users.dropped, users.requests()), (4, 7, 11));
    users.keep(0);
    assert_eq!((users.seen.len(), users.dropped), (0, 11));
}

#[test]
fn with_too_many_reports_waiting_requests_are_only_counted_and_told_later() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(dir.path().to_owned(), 1);
    fs::create_dir_all(&ledger.dir).unwrap();
    for serial in 0..MOST_REPORTS as u64 {
        let name = ReportName { incarnation: "elder".to_owned(), serial };
        fs::write(ledger.dir.join(name.file_name()), "{}").unwrap();
    }
    ledger.note(0, &sighting(1, 0, 5), Outcome::Good, Duration::ZERO);
    ledger.note(0, &sighting(1, 0, 6), Outcome::Good, Duration::ZERO);
    assert!(ledger.write("1-a").is_err());
    fs::remove_dir_all(&ledger.dir).unwrap();
    ledger.write("1-a").unwrap();
    let told = reports(&ledger).remove(0).experiments.remove(0);
    assert_eq!((told.dropped, told.users), (2, Vec::new()));
    ledger.write("1-a").unwrap();
    assert_eq!(reports(&ledger).len(), 1, "told once");
}
