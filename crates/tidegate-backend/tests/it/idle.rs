//! What watching costs while nothing happens.

use std::fs;
use std::time::{Duration, Instant};

use tidegate_core::model::{Check, Probe};

use crate::output::cpu_ticks;
use crate::yard::{SERVE, Yard, web};

/// Prints the share of a core that watching takes, and the memory of a shim.
#[test]
fn twenty_idle_instances_cost_next_to_nothing() {
    let mut yard = Yard::new();
    yard.app();
    let names: Vec<String> = (0..20).map(|n| format!("web-{n}")).collect();
    for name in &names {
        let mut spec = web(&yard, name, SERVE);
        spec.probes.as_mut().unwrap().ready = Some(Probe::new(Check::Http("/up".to_owned())));
        yard.start(&spec);
    }
    for name in &names {
        yard.ready(name);
    }
    let shims: Vec<u32> = names.iter().map(|name| yard.shim(name)).collect();
    let used = || own_cpu() + shims.iter().map(|pid| cpu_ticks(*pid) as f64 / 100.0).sum::<f64>();
    let (begun, before) = (Instant::now(), used());
    while begun.elapsed() < Duration::from_secs(5) {
        // Not waiting for a state: this is the time that is measured.
        std::thread::sleep(Duration::from_secs(1));
    }
    let share = (used() - before) / begun.elapsed().as_secs_f64() * 100.0;
    println!("watching 20 instances takes {share:.2} % of a core; a shim has {}", memory(shims[0]));
    // Where all tests share this process, its CPU time is not that of this test.
    let alone = std::env::var_os("NEXTEST").is_some();
    assert!(!alone || share < if cfg!(debug_assertions) { 3.0 } else { 1.0 }, "{share}");
}

/// Seconds of CPU time this process has used.
fn own_cpu() -> f64 {
    let used = nix::time::clock_gettime(nix::time::ClockId::CLOCK_PROCESS_CPUTIME_ID).unwrap();
    used.tv_sec() as f64 + used.tv_nsec() as f64 / 1e9
}

fn memory(pid: u32) -> String {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let lines = rollup.lines().filter(|line| line.starts_with("Rss:") || line.starts_with("Pss:"));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
