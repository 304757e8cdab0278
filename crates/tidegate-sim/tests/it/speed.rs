use std::time::Duration;

/// A debug build on a busy machine gets twenty times what a release build may take.
#[test]
fn a_pass_over_a_resting_fleet_is_quick() {
    let speed = tidegate_sim::speed::measure(50);
    assert!(speed.services == 50 && speed.instances >= 100, "{speed}");
    assert!(speed.least < Duration::from_millis(1_000), "{speed}");
}
