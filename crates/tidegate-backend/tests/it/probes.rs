//! Probes with real apps.

use std::fs;
use std::time::Duration;

use tidegate_backend::Backend;
use tidegate_core::model::{Check, Probe, UnitState};
use tidegate_core::time::Millis;

use crate::yard::{SERVE, Yard, id, is_ready, web};

fn probe(check: Check) -> Probe {
    Probe { check, every: Millis(20), timeout: Millis(300), fail_after: 2 }
}

#[test]
fn readiness_goes_and_comes_back_with_the_answers() {
    let mut yard = Yard::new();
    yard.app();
    yard.start(&web(&yard, "web-1", SERVE));
    yard.ready("web-1");
    for _ in 0..3 {
        fs::write(yard.build().join("status"), "503").unwrap();
        let seen = yard.until("web-1", "unready", |seen| !is_ready(seen));
        assert_eq!(seen.last_probe.unwrap().answer, "HTTP 503 from /up");
        assert!(matches!(seen.state, UnitState::Running(health) if health.live));
        fs::write(yard.build().join("status"), "204").unwrap();
        yard.ready("web-1");
    }
}

#[test]
fn the_wrong_port_is_shown_by_what_is_listened_on() {
    let mut yard = Yard::new();
    yard.app();
    yard.start(&web(&yard, "web-1", "exec ./app 0"));
    let seen = yard.until("web-1", "refused", |seen| seen.last_probe.is_some());
    let port = seen.port.unwrap();
    let evidence = crate::yard::eventually("what it listens on", || {
        let evidence = yard.backend().evidence(&id("web-1"));
        evidence.listening.clone().filter(|ports| !ports.is_empty()).map(|_| evidence)
    });
    assert_eq!(evidence.last_probe.unwrap().answer, format!("connection refused on port {port}"));
    assert_eq!(evidence.port, Some(port));
    let listening = evidence.listening.unwrap();
    assert!(listening.len() == 1 && listening[0] != port, "{listening:?}");
}

#[test]
fn an_app_that_does_not_answer_is_said_not_to() {
    let mut yard = Yard::new();
    yard.app();
    // Stopped, it still accepts connections.
    let mut spec = web(&yard, "web-1", SERVE);
    spec.probes.as_mut().unwrap().ready = Some(probe(Check::Http("/up".to_owned())));
    yard.start(&spec);
    let pid = yard.ready("web-1").pid.unwrap();
    tidegate_os::process::kill(pid, 19).unwrap();
    let seen = yard.until("web-1", "unready", |seen| !is_ready(seen));
    assert_eq!(seen.last_probe.unwrap().answer, "no answer in 300ms");
}

#[test]
fn a_liveness_probe_by_command_runs_where_the_unit_does_and_fails_it() {
    let mut yard = Yard::new();
    yard.app();
    let mut spec = web(&yard, "web-1", "touch $TMPDIR/fine; exec ./app");
    let probes = spec.probes.as_mut().unwrap();
    probes.ready = Some(probe(Check::Tcp));
    probes.live =
        Some(probe(Check::Command("test -e $TMPDIR/fine && test -x ./app && exit 0; exit 3".to_owned())));
    yard.start(&spec);
    yard.until("web-1", "asked by command", |seen| {
        seen.last_probe.as_ref().is_some_and(|probe| probe.probe == "live" && probe.good)
    });
    let tmp = yard.place("web-1").join("scratch/tmp/fine");
    fs::remove_file(tmp).unwrap();
    yard.until(
        "web-1",
        "not alive",
        |seen| matches!(&seen.state, UnitState::Running(health) if !health.live),
    );
    let answer =
        |yard: &mut Yard| yard.see("web-1").unwrap().last_probe.filter(|probe| probe.probe == "live");
    let live = crate::yard::eventually("the answer", || answer(&mut yard));
    assert_eq!(live.answer, "exit code 3");
}

#[test]
fn a_command_probe_that_hangs_is_killed() {
    let mut yard = Yard::new();
    yard.app();
    let mut spec = web(&yard, "web-1", SERVE);
    let hang = "echo $$ > $TMPDIR/probe; exec sleep 1000";
    spec.probes.as_mut().unwrap().ready = Some(probe(Check::Command(hang.to_owned())));
    yard.start(&spec);
    let seen = yard.until("web-1", "answered", |seen| seen.last_probe.is_some());
    assert_eq!(seen.last_probe.unwrap().answer, "no answer in 300ms");
    let pid =
        fs::read_to_string(yard.place("web-1").join("scratch/tmp/probe")).unwrap().trim().parse().unwrap();
    let _ = pid;
    yard.backend().stop(&id("web-1"), 1, spec.stop).unwrap();
    yard.exit("web-1");
    crate::yard::gone(pid);
}

/// Prints how long after an app listens it is seen as ready.
#[test]
fn first_readiness_is_noticed_soon() {
    let mut yard = Yard::new();
    yard.app();
    let mut waits = Vec::new();
    for round in 0..10 {
        let name = format!("web-{round}");
        let spec = web(&yard, &name, SERVE);
        let begun = std::time::Instant::now();
        yard.start(&spec);
        yard.ready(&name);
        waits.push(begun.elapsed());
    }
    waits.sort();
    println!("start to ready seen: median {:?}, worst {:?}", waits[5], waits[9]);
    assert!(waits[5] < Duration::from_millis(300));
}
