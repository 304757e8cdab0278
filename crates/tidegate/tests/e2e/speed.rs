//! What Tidegate costs on top of the app: time of a rollout, of a start, of coming back, memory and processor at rest.
//!
//! Held to the product's figures where they are measured on purpose (`bench/speed`), and to a multiple elsewhere: a
//! build without optimisation on a busy machine still shows a cost that has grown out of proportion.

use std::time::{Duration, Instant};

use crate::support::figures::{hold, median, millis, show};
use crate::support::{App, Process, Tidegate, bare, full};

const LONG: Duration = Duration::from_secs(60);
/// A shell's first command: tells when it runs, in milliseconds since the Unix epoch.
pub const CLOCK: &str = "date +%s%3N";
/// Instances in front of an idle control plane.
const MANY: usize = 20;

/// Repeats where each costs seconds.
fn repeats() -> usize {
    if full() { 9 } else { 3 }
}

#[test]
fn blue_green_costs_little_on_top_of_the_app() {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    tidegate.deploy_well(&app);
    let bake = Duration::from_secs(1); // as App::new sets it
    // Asked while nothing is replaced: later the first instance listed may be one that is on its way out.
    let interpreter = bare::interpreter_of(tidegate.service().instances[0].pid.unwrap());
    let (mut own, mut whole) = (Vec::new(), Vec::new());
    for _ in 0..repeats() {
        // Taken in turn, so that both see the same machine.
        own.push(millis(bare::start_two(&app, &interpreter)));
        whole.push(millis(tidegate.deploy_well(app.next_version()).took - bake));
    }
    let (own, whole) = (median(own), median(whole));
    show(&["app's own start, two at once".to_owned(), format!("{own:.1} ms")]);
    show(&["blue/green of 2, bake left out".to_owned(), format!("{whole:.1} ms")]);
    hold("blue/green of 2 on top of the app's start", whole - own, 500.0, "ms", 3.0);
}

#[test]
fn an_instance_starts_at_once_and_is_seen_at_once() {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("run", &format!("{CLOCK}; exec python3 app.py")).set("scale", "1");
    tidegate.deploy_well(&app);
    let (mut on_top, mut until_seen) = (Vec::new(), Vec::new());
    for wanted in 2..2 + repeats() {
        let own = bare::first_command(CLOCK);
        let output = tidegate.run(&["scale", &format!("web={wanted}")]);
        assert!(output.status.success(), "{output:?}");
        tidegate.wait_for("one more instance", LONG, |service| {
            service.stable.as_ref().is_some_and(|stable| stable.ready == wanted as u32)
        });
        let (ran, listened) = began_and_listened(&tidegate);
        on_top.push(ran - when(&tidegate, "service.scaled") - own);
        until_seen.push(when(&tidegate, "instance.ready") - listened);
    }
    let least = on_top.iter().copied().fold(f64::INFINITY, f64::min);
    show(&["start of an instance on top of its own, the least".to_owned(), format!("{least:.1} ms")]);
    hold("start of an instance on top of its own", median(on_top), 30.0, "ms", 5.0);
    show(&["from listening to being seen ready".to_owned(), format!("{:.1} ms", median(until_seen))]);
}

/// When the newest instance ran its first command and when it listened, in milliseconds since the Unix epoch.
pub fn began_and_listened(tidegate: &Tidegate) -> (f64, f64) {
    let service = tidegate.service();
    let newest = service
        .instances
        .iter()
        .max_by_key(|instance| instance.id.rsplit('-').next().and_then(|number| number.parse::<u64>().ok()));
    let lines = tidegate.logs(&["--unit", &newest.unwrap().id]);
    let first: f64 = lines[0].line.parse().unwrap();
    let listens = lines.iter().find(|line| line.line.contains("listens on")).unwrap();
    (first, listens.at_unix_ms as f64)
}

/// When the newest event of a kind happened, in milliseconds since the Unix epoch.
fn when(tidegate: &Tidegate, kind: &str) -> f64 {
    let events = tidegate.events();
    let at = &events.iter().rev().find(|event| event.kind == kind).unwrap().at;
    let output = std::process::Command::new("date").args(["+%s%3N", "-d", at]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

#[test]
fn up_is_quick_and_rest_is_cheap() {
    let begun = Instant::now();
    let mut tidegate = Tidegate::up();
    hold("`tidegate up` ready, first start", millis(begun.elapsed()), 1_000.0, "ms", 3.0);
    let mut app = App::new();
    // Probes as often as they are by default.
    app.set("scale", &MANY.to_string()).set("ready", "{ http: /up }");
    tidegate.deploy_well(&app);

    tidegate.kill9_control();
    let again = tidegate.restart();
    hold(&format!("`tidegate up` ready, {MANY} instances running"), millis(again), 1_000.0, "ms", 3.0);
    tidegate.wait_for("all ready", LONG, |service| {
        service.stable.as_ref().is_some_and(|stable| stable.ready == MANY as u32)
    });
    memory_at_rest(&tidegate);
    let busy = processor_at_rest(&tidegate);
    hold(&format!("control plane at rest, {MANY} instances"), busy, 1.0, "%", 6.0);
    if full() {
        tidegate.deploy_well(app.set("ready", "{ http: /up, every: 500ms }").next_version());
        tidegate.wait_for("all ready", LONG, |service| service.instances.len() == MANY);
        let busy = processor_at_rest(&tidegate);
        show(&["the same with HTTP probes each 500 ms".to_owned(), format!("{busy:.2} % of a core")]);
    }
}

fn memory_at_rest(tidegate: &Tidegate) {
    let mib = |kib: u64| kib as f64 / 1_024.0;
    let control = mib(Process::resident_kib(tidegate.control_pid()));
    hold(&format!("control plane, resident, {MANY} instances"), control, 40.0, "MiB", 2.0);
    let gateway = tidegate.gateway_pid().unwrap();
    show(&["gateway, resident".to_owned(), format!("{:.1} MiB", mib(Process::resident_kib(gateway)))]);
    let shims = Process::shims_of(&tidegate.data());
    assert_eq!(shims.len(), MANY, "one shim for each instance: {shims:?}");
    let each = |of: fn(u32) -> u64| median(shims.iter().map(|shim| mib(of(shim.pid))).collect());
    let (resident, proportional) = (each(Process::resident_kib), each(Process::proportional_kib));
    show(&["one shim, resident (in parts)".to_owned(), format!("{resident:.1} MiB ({proportional:.1} MiB)")]);
}

/// The control plane's share of a core, in percent.
fn processor_at_rest(tidegate: &Tidegate) -> f64 {
    let span = Duration::from_secs(if full() { 30 } else { 5 });
    let gateway = tidegate.gateway_pid().unwrap();
    let shims: Vec<u32> = Process::shims_of(&tidegate.data()).iter().map(|shim| shim.pid).collect();
    let used = |pid: u32| Process::cpu_time(pid).as_secs_f64();
    let all =
        || (used(tidegate.control_pid()), used(gateway), shims.iter().map(|pid| used(*pid)).sum::<f64>());
    let (before, begun) = (all(), Instant::now());
    std::thread::sleep(span); // the time measured over, not a wait for a state
    let (after, took) = (all(), begun.elapsed().as_secs_f64());
    let percent = |before: f64, after: f64| (after - before) / took * 100.0;
    show(&["gateway at rest".to_owned(), format!("{:.2} % of a core", percent(before.1, after.1))]);
    show(&[
        format!("{MANY} shims at rest, together"),
        format!("{:.2} % of a core", percent(before.2, after.2)),
    ]);
    percent(before.0, after.0)
}
