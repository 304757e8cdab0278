//! 50 revisions and 10,000 events: how long a backup takes and how long bringing it back. Looser than what is promised of an optimised
//! program on an idle machine.

use std::time::{Duration, Instant};

use tidegate_backup::restore;
use tidegate_core::event::Event;

use crate::installation::{Installation, build};

const LENIENT: Duration = Duration::from_secs(60);

#[test]
fn fifty_builds_and_ten_thousand_events_take_seconds() {
    let mut installation = Installation::new();
    for number in 0..50 {
        installation.build(&format!("b{number}"), 100);
    }
    installation
        .store
        .transaction(|tx| {
            (0..50).try_for_each(|number| tx.put_build(&build(&format!("b{number}"))))?;
            let event = |number: u32| Event::platform("test", format!("event {number} of many"));
            (0..10_000).try_for_each(|number| tx.event(&event(number), 1).map(drop))
        })
        .unwrap();
    let begun = Instant::now();
    let made = installation.make_as(false, None);
    let backup = begun.elapsed();
    let begun = Instant::now();
    restore(&installation.file(), &installation.dir.path().join("restored"), &installation.unlock, 1)
        .unwrap();
    let back = begun.elapsed();
    println!(
        "{} members, {} KiB in {} KiB: made in {backup:?}, brought back in {back:?}",
        made.members,
        made.content_bytes >> 10,
        made.bytes >> 10
    );
    assert!(backup < LENIENT && back < LENIENT);
}
