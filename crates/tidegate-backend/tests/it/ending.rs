//! However a unit ends, nothing of it is left.

use std::time::{Duration, Instant};

use tidegate_backend::Backend;
use tidegate_backend::process::stop_all;
use tidegate_core::model::{Limits, StopSpec};
use tidegate_core::time::Millis;
use tidegate_core::units::ByteSize;
use tidegate_os::process::kill;

use crate::yard::{Yard, gone, id, printed_pid, worker};

const SHORT: StopSpec = StopSpec { signal: 15, grace: Millis(300) };

#[test]
fn who_ignores_sigterm_is_killed_after_the_grace() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "trap '' TERM; echo up; while :; do sleep 0.05; done"));
    yard.says("web-1", "up");
    let begun = Instant::now();
    yard.backend().stop(&id("web-1"), 1, SHORT).unwrap();
    assert_eq!(yard.exit("web-1").signal, Some(9));
    assert!(begun.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_stop_reaches_the_whole_group_with_the_signal_asked_for() {
    let mut yard = Yard::new();
    let child =
        "sh -c 'trap \"echo child heard; exit 0\" USR1; echo child=$$; while :; do sleep 0.05; done' &";
    yard.start(&worker(
        &yard,
        "web-1",
        &format!("trap 'echo parent heard; wait; exit 3' USR1; {child} wait; wait"),
    ));
    let child = printed_pid(&yard, "web-1", "child");
    yard.backend().stop(&id("web-1"), 1, StopSpec { signal: 10, grace: Millis(5_000) }).unwrap();
    assert_eq!(yard.exit("web-1").code, Some(3));
    yard.says("web-1", "parent heard");
    yard.says("web-1", "child heard");
    gone(child);
}

#[test]
fn children_that_left_the_group_and_ignore_sigterm_go_with_it() {
    let mut yard = Yard::new();
    let escaped = "setsid sh -c 'trap \"\" TERM; echo escaped=$$; while :; do sleep 0.05; done' &";
    yard.start(&worker(
        &yard,
        "web-1",
        &format!("{escaped} (sleep 1000 & echo orphan=$!) ; exec sleep 1000"),
    ));
    let (escaped, orphan) = (printed_pid(&yard, "web-1", "escaped"), printed_pid(&yard, "web-1", "orphan"));
    yard.backend().stop(&id("web-1"), 1, SHORT).unwrap();
    assert_eq!(yard.exit("web-1").signal, Some(15));
    gone(escaped);
    gone(orphan);
}

#[test]
fn children_that_left_the_group_need_not_be_waited_for_when_they_can_be_told() {
    let mut yard = Yard::new();
    let escaped =
        "setsid sh -c 'trap \"echo told; exit\" TERM; echo escaped=$$; while :; do sleep 0.05; done' &";
    yard.start(&worker(&yard, "web-1", &format!("{escaped} exec sleep 1000")));
    let escaped = printed_pid(&yard, "web-1", "escaped");
    let begun = Instant::now();
    let long = StopSpec { signal: 15, grace: Millis(60_000) };
    yard.backend().stop(&id("web-1"), 1, long).unwrap();
    assert_eq!(yard.exit("web-1").signal, Some(15));
    assert!(begun.elapsed() < Duration::from_secs(30), "without waiting for the grace to pass");
    gone(escaped);
    yard.says("web-1", "told");
}

#[test]
fn what_a_main_process_leaves_behind_is_ended_before_its_exit_is_told() {
    let mut yard = Yard::new();
    let left = "setsid sh -c 'trap \"echo told; exit\" TERM; echo left=$$; while :; do sleep 0.05; done' &";
    yard.start(&worker(&yard, "web-1", &format!("{left} sleep 0.3; exit 5")));
    let left = printed_pid(&yard, "web-1", "left");
    assert_eq!(yard.exit("web-1").code, Some(5));
    assert!(!crate::yard::alive(left));
    yard.says("web-1", "told");
}

#[test]
fn a_killed_shim_takes_everything_with_it_and_is_named_as_the_trouble() {
    let mut yard = Yard::new();
    let escaped = "setsid sh -c 'trap \"\" TERM; echo escaped=$$; while :; do sleep 0.05; done' &";
    yard.start(&worker(&yard, "web-1", &format!("{escaped} sleep 1000 & echo other=$!; wait")));
    let (escaped, other) = (printed_pid(&yard, "web-1", "escaped"), printed_pid(&yard, "web-1", "other"));
    let main = yard.running("web-1");
    kill(yard.shim("web-1"), 9).unwrap();
    let trouble = yard.exit("web-1").trouble.unwrap();
    assert!(trouble.starts_with("its shim was killed"), "{trouble}");
    for pid in [main, escaped, other] {
        assert!(!crate::yard::alive(pid), "{pid} is left");
    }
}

#[test]
fn a_shim_that_hangs_is_killed_when_its_unit_is_overdue() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "exec sleep 1000"));
    let main = yard.running("web-1");
    kill(yard.shim("web-1"), 19).unwrap();
    yard.backend().remove(&id("web-1")).unwrap();
    gone(main);
}

#[test]
fn too_much_memory_is_named_as_the_cause() {
    let mut yard = Yard::new();
    let limits = Limits { memory: Some(ByteSize(32 << 20)), ..Limits::default() };
    let short = yard.backend().shortcomings(&limits);
    if let Some(why) = short.iter().find(|why| why.contains("memory")) {
        println!("skipped: {why}");
        return;
    }
    let mut spec = worker(&yard, "web-1", "exec tail /dev/zero");
    spec.limits = limits;
    yard.start(&spec);
    let exit = yard.exit("web-1");
    assert!(exit.out_of_memory, "{exit:?}");
    assert_eq!(exit.to_string(), "ended by the kernel: over its memory limit");
}

#[test]
fn stop_all_works_without_a_backend_and_each_unit_has_its_grace() {
    let mut yard = Yard::new();
    let mut stubborn = worker(&yard, "stubborn", "trap '' TERM; echo up; while :; do sleep 0.05; done");
    stubborn.stop = SHORT;
    yard.start(&stubborn);
    yard.start(&worker(&yard, "polite", "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done"));
    yard.says("polite", "up");
    yard.says("stubborn", "up");
    yard.close();
    let mut stopped = stop_all(&yard.root()).unwrap();
    stopped.sort_by(|a, b| a.id.cmp(&b.id));
    let ends: Vec<_> =
        stopped.iter().map(|unit| (unit.id.0.as_str(), unit.exit.code, unit.exit.signal)).collect();
    assert_eq!(ends, [("polite", Some(0), None), ("stubborn", None, Some(9))]);
    assert_eq!(std::fs::read_dir(yard.root()).unwrap().count(), 0);
    assert!(stop_all(&yard.data.join("nowhere")).unwrap().is_empty());
}
