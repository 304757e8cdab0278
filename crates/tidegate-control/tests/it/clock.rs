//! The time line goes on over restarts and reboots, and never back.

use tidegate_control::clock::Clock;
use tidegate_core::time::Moment;
use tidegate_store::{ClockAnchor, Store};

#[test]
fn time_goes_on_over_a_restart() {
    let mut store = Store::in_memory().unwrap();
    let first = Clock::open(&mut store).unwrap();
    let before = first.now().now;
    first.keep(&mut store).unwrap();
    let second = Clock::open(&mut store).unwrap();
    assert!(second.now().now >= before);
}

#[test]
fn time_goes_on_over_a_reboot() {
    let mut store = Store::in_memory().unwrap();
    let moment = Moment(5_000_000_000);
    let anchor = ClockAnchor { boot_id: "another boot".to_owned(), boot_ms: u64::MAX / 2, moment };
    store.transaction(|tx| tx.set_clock_anchor(&anchor)).unwrap();
    let clock = Clock::open(&mut store).unwrap();
    assert!(clock.now().now > moment);
    assert!(store.clock_anchor().unwrap().unwrap().moment > moment);
}
