//! A step that takes more than it may is ended, and what it met is said where its user looks.

use std::fs;
use std::net::TcpListener;

use tidegate_backend::{StepUnit, UnitSpec};
use tidegate_core::model::Limits;
use tidegate_core::units::ByteSize;

use crate::yard::{Yard, gone, printed_pid, worker};

fn step(yard: &Yard, name: &str, command: &str, limits: Limits) -> UnitSpec {
    let step = Some(StepUnit::default());
    UnitSpec { writable: true, limits, step, ..worker(yard, name, command) }
}

#[test]
fn who_fills_the_disk_is_ended_and_leaves_no_room_taken() {
    let mut yard = Yard::new();
    let limits = Limits { disk: Some(ByteSize(64 << 20)), ..Limits::default() };
    let fill = |place: &str| {
        format!(
            "echo x > {place}/kept; i=0; while head -c 4194304 /dev/zero > {place}/$i; do i=$((i+1)); done"
        )
    };
    // In its folder, in $TMPDIR, and where the next step would get it.
    for (name, place) in [("step-1", "."), ("step-2", "$TMPDIR"), ("step-3", "$HOME")] {
        yard.start(&step(&yard, name, &fill(place), limits));
        let exit = yard.exit(name);
        let why = exit.to_string();
        assert!(
            why.starts_with("it wrote ") && why.ends_with("to the disk, and may write 64MiB"),
            "{name}: {why}"
        );
        assert_eq!(exit.signal, Some(9));
    }
    let left: u64 = files(&yard.data.join("cache"));
    assert!(left < 1 << 20, "{left} bytes are left where others get them");
    // One that stays within may.
    yard.start(&step(&yard, "step-4", "head -c 8000000 /dev/zero > file", limits));
    assert!(yard.exit("step-4").success());
}

fn files(folder: &std::path::Path) -> u64 {
    let items = fs::read_dir(folder).unwrap().map(|item| item.unwrap());
    items
        .map(|item| if item.path().is_dir() { files(&item.path()) } else { item.metadata().unwrap().len() })
        .sum()
}

#[test]
fn who_forks_without_end_meets_its_limit_and_is_told() {
    let mut yard = Yard::new();
    let limits = Limits { pids: Some(40), ..Limits::default() };
    let short = tidegate_backend::Backend::shortcomings(yard.backend(), &limits);
    if let Some(why) = short.iter().find(|why| why.contains("pids")) {
        println!("skipped: {why}");
        return;
    }
    let bomb = "f() { f & f & wait; }; f 2>/dev/null; exit 7";
    yard.start(&step(&yard, "step-1", bomb, limits));
    yard.says("step-1", "[tidegate] it met its limit of 40 processes and threads");
    // However many there are, they end with it.
    yard.exit("step-1");
}

#[test]
fn daemons_end_with_their_step_and_it_counts_as_it_ended() {
    let mut yard = Yard::new();
    let daemon = "setsid sh -c 'trap \"\" TERM HUP; echo daemon=$$; while :; do sleep 0.05; done' >&2 & sleep 0.3; exit 0";
    yard.start(&step(&yard, "step-1", daemon, Limits::default()));
    let daemon = printed_pid(&yard, "step-1", "daemon");
    assert!(yard.exit("step-1").success());
    gone(daemon);
}

#[test]
fn without_a_network_it_reaches_itself_and_nobody_else() {
    let mut yard = Yard::new();
    if let Err(error) = tidegate_os::process::can_be_offline() {
        println!("skipped: {error}");
        return;
    }
    yard.app();
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = outside.local_addr().unwrap().port();
    let reach = |port: &str| {
        format!(
            "python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 2); print(\"reached {port}\")'"
        )
    };
    let own = format!(
        "./app 8080 & until {} 2>/dev/null; do :; done; {} 2>/dev/null || echo no way out",
        reach("8080"),
        reach(&port.to_string())
    );
    for (name, offline) in [("step-1", false), ("step-2", true)] {
        let mut unit = step(&yard, name, &own, Limits::default());
        unit.step = Some(StepUnit { offline, ..StepUnit::default() });
        yard.start(&unit);
        yard.exit(name);
        let said = yard.output(name).join("\n");
        assert!(said.contains("reached 8080"), "{said}");
        assert_eq!(said.contains("no way out"), offline, "{said}");
    }
    assert!(outside.set_nonblocking(true).is_ok() && outside.accept().is_ok(), "the one with a network came");
    assert!(outside.accept().is_err(), "and no other");
}
