//! Start, ready, stop, remove; generations.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tidegate_backend::{Backend, BackendError};
use tidegate_core::model::{Health, PortSpec, Probes, StopSpec, UnitState};
use tidegate_core::time::Millis;

use crate::yard::{SERVE, Yard, eventually, gone, id, web, worker};

#[test]
fn a_service_becomes_ready_on_its_port_and_stops_when_told() {
    let mut yard = Yard::new();
    yard.app();
    let spec = web(&yard, "web-1", SERVE);
    yard.start(&spec);
    let seen = yard.ready("web-1");
    assert_eq!(seen.last_probe.unwrap().answer, "HTTP 200 from /up");
    assert!(std::net::TcpStream::connect(("127.0.0.1", seen.port.unwrap())).is_ok());
    assert!(yard.wakes.load(Ordering::Relaxed) > 0);
    yard.backend().stop(&id("web-1"), 1, spec.stop).unwrap();
    let exit = yard.exit("web-1");
    assert_eq!((exit.code, exit.signal, exit.trouble), (None, Some(15), None));
    gone(seen.pid.unwrap());
    yard.backend().remove(&id("web-1")).unwrap();
    assert!(yard.see("web-1").is_none());
    let place = yard.place("web-1");
    eventually("the removal", || (!place.exists()).then_some(()));
}

#[test]
fn exit_codes_signals_and_failed_starts_are_told_apart() {
    let mut yard = Yard::new();
    for (name, command) in
        [("a", "exit 0"), ("b", "exit 7"), ("c", "kill -SEGV $$"), ("d", "no-such-program")]
    {
        yard.start(&worker(&yard, name, command));
    }
    let mut nowhere = worker(&yard, "e", "true");
    nowhere.dir = yard.data.join("missing");
    yard.start(&nowhere);
    assert!(yard.exit("a").success());
    assert_eq!(yard.exit("b").code, Some(7));
    assert_eq!(yard.exit("c").signal, Some(11));
    assert_eq!(yard.exit("d").code, Some(127));
    let trouble = yard.exit("e").trouble.unwrap();
    assert!(trouble.starts_with("its process could not be started"), "{trouble}");
}

#[test]
fn the_same_start_again_does_nothing_and_an_older_one_is_refused() {
    let mut yard = Yard::new();
    let mut spec = worker(&yard, "web-1", "exec sleep 1000");
    spec.generation = 3;
    yard.start(&spec);
    let first = yard.running("web-1");
    yard.start(&spec);
    spec.generation = 2;
    let refused = yard.backend().start(&spec).unwrap_err();
    assert!(matches!(refused, BackendError::Stale { asked: 2, known: 3, .. }), "{refused}");
    assert!(matches!(yard.backend().stop(&id("web-1"), 2, spec.stop), Err(BackendError::Stale { .. })));
    assert_eq!(yard.running("web-1"), first);
    spec.generation = 4;
    yard.start(&spec);
    let second = yard.until("web-1", "running again", |seen| seen.generation == 4 && seen.pid.is_some());
    assert_ne!(second.pid, Some(first));
    gone(first);
    yard.backend().remove(&id("web-1")).unwrap();
    spec.generation = 3;
    assert!(
        yard.backend().start(&spec).is_err(),
        "what was removed cannot be started again by an older start"
    );
}

#[test]
fn removing_a_unit_that_runs_kills_it_and_stopping_an_unknown_one_is_nothing() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "trap '' TERM; while :; do sleep 1; done"));
    let pid = yard.running("web-1");
    yard.backend().remove(&id("web-1")).unwrap();
    gone(pid);
    yard.backend().stop(&id("nobody"), 9, StopSpec::default()).unwrap();
    yard.backend().remove(&id("nobody")).unwrap();
}

#[test]
fn a_worker_is_ready_after_a_second_and_a_job_never() {
    let mut yard = Yard::new();
    let mut spec = worker(&yard, "worker-1", "exec sleep 1000");
    spec.probes = Some(Probes { startup: None, start_within: Millis(10_000), ready: None, live: None });
    let begun = Instant::now();
    yard.start(&spec);
    yard.start(&worker(&yard, "job-1", "exec sleep 1000"));
    yard.ready("worker-1");
    assert!(begun.elapsed() >= Duration::from_millis(900));
    let job = yard.see("job-1").unwrap();
    assert_eq!(job.state, UnitState::Running(Health { ready: false, live: true }));
}

#[test]
fn a_fixed_port_is_given_as_it_is() {
    let mut yard = Yard::new();
    let mut spec = worker(&yard, "web-1", "echo port=$PORT");
    spec.port = PortSpec::Fixed(31_999);
    yard.start(&spec);
    yard.says("web-1", "port=31999");
    assert_eq!(yard.see("web-1").unwrap().port, Some(31_999));
}

#[test]
fn a_name_that_is_no_file_name_is_refused() {
    let mut yard = Yard::new();
    let spec = worker(&yard, "../../etc/x", "true");
    assert!(yard.backend().start(&spec).is_err());
}

/// Prints what an instance costs on top of its own start-up. The bound is for release builds; a debug build gets more.
#[test]
fn starting_costs_little() {
    let mut yard = Yard::new();
    let (mut call, mut whole) = (Vec::new(), Vec::new());
    for round in 0..20 {
        let name = format!("job-{round}");
        let spec = worker(&yard, &name, "exit 0");
        let begun = Instant::now();
        yard.start(&spec);
        call.push(begun.elapsed());
        yard.exit(&name);
        whole.push(begun.elapsed());
    }
    call.sort();
    whole.sort();
    println!("start() {:?}, start to end seen {:?} (medians), worst {:?}", call[10], whole[10], whole[19]);
    let bound = if cfg!(debug_assertions) { 150 } else { 30 };
    assert!(whole[10] < Duration::from_millis(bound), "{:?}", whole[10]);
}
