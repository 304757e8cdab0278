//! A control plane that comes back finds what it left.

use std::fs;

use tidegate_backend::Backend;
use tidegate_core::model::UnitState;
use tidegate_os::process::kill;

use crate::yard::{SERVE, Yard, alive, eventually, gone, id, is_ready, web, worker};

#[test]
fn units_go_on_without_a_backend_and_are_found_again() {
    let mut yard = Yard::new();
    yard.app();
    let spec = web(&yard, "web-1", SERVE);
    yard.start(&spec);
    let before = yard.ready("web-1");
    yard.start(&worker(&yard, "job-1", "sleep 0.2; exit 4"));
    yard.running("job-1");
    yard.close();
    assert!(alive(before.pid.unwrap()));
    let record = yard.place("job-1").join("exit.json");
    eventually("the end of the job", || record.exists().then_some(()));
    yard.open();
    let after = yard.see("web-1").unwrap();
    assert!(is_ready(&after), "from the first look on: {after:?}");
    assert_eq!((after.pid, after.port, after.generation), (before.pid, before.port, 1));
    assert_eq!(yard.exit("job-1").code, Some(4));
    yard.start(&spec);
    assert_eq!(yard.see("web-1").unwrap().pid, before.pid, "nothing is started twice");
    yard.backend().stop(&id("web-1"), 1, spec.stop).unwrap();
    assert_eq!(yard.exit("web-1").signal, Some(15));
}

#[test]
fn a_shim_killed_while_nobody_watched_is_found_out() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "web-1", "setsid sleep 1000 & exec sleep 1001"));
    let main = yard.running("web-1");
    let shim = yard.shim("web-1");
    yard.close();
    kill(shim, 9).unwrap();
    gone(main);
    yard.open();
    assert!(yard.exit("web-1").trouble.unwrap().starts_with("its shim was killed"));
    let mark = format!("TIDEGATE_UNIT={}", yard.place("web-1").display());
    let left = tidegate_os::process::all()
        .into_iter()
        .find(|e| !e.zombie && tidegate_os::process::environ_has(e.pid, mark.as_bytes()));
    assert_eq!(left, None);
}

#[test]
fn units_of_an_earlier_boot_and_half_made_ones_are_not_there() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "old-1", "true"));
    yard.exit("old-1");
    let spec = yard.place("old-1").join("spec.json");
    eventually("the end of the shim", || {
        tidegate_os::lock::holder(&yard.root().join("old-1@1/shim.lock")).is_none().then_some(())
    });
    yard.close();
    let text = fs::read_to_string(&spec).unwrap();
    let boot = tidegate_os::clock::boot_id().unwrap();
    assert!(text.contains(&boot));
    fs::write(&spec, text.replace(&boot, "another-boot")).unwrap();
    fs::create_dir(yard.root().join("half-1@1")).unwrap();
    fs::create_dir(yard.root().join("not-ours")).unwrap();
    yard.open();
    assert!(yard.backend().observe().is_empty());
    eventually("the clean-up", || {
        (!yard.place("old-1").exists() && !yard.place("half-1").exists()).then_some(())
    });
    assert!(yard.root().join("not-ours").exists(), "what is not ours is left alone");
}

#[test]
fn a_unit_that_ended_before_is_over_at_once() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "job-1", "exit 2"));
    yard.exit("job-1");
    yard.close();
    yard.open();
    assert!(matches!(&yard.see("job-1").unwrap().state, UnitState::Exited(exit) if exit.code == Some(2)));
    yard.backend().remove(&id("job-1")).unwrap();
    eventually("the removal", || (!yard.place("job-1").exists()).then_some(()));
}

#[test]
fn an_end_that_cannot_be_recorded_is_told_and_recorded_when_it_can_be() {
    let mut yard = Yard::new();
    yard.start(&worker(&yard, "job-1", "while ! test -e $TMPDIR/go; do sleep 0.01; done; exit 6"));
    yard.running("job-1");
    // A directory in its place refuses the record, as a full disk does.
    let record = yard.place("job-1").join("exit.json");
    fs::create_dir(&record).unwrap();
    fs::write(yard.place("job-1").join("scratch/tmp/go"), "").unwrap();
    assert_eq!(yard.exit("job-1").code, Some(6));
    yard.close();
    fs::remove_dir(&record).unwrap();
    eventually("the record", || record.exists().then_some(()));
    yard.open();
    assert_eq!(yard.exit("job-1").code, Some(6));
}
