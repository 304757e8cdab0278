//! What the way of a commit costs on top of what its steps and its app take themselves: from a push to the first step, from step to
//! step, through a build that is there already, until it serves; and what runs that wait cost the users.
//!
//! Held to the product's figures where they are measured on purpose (`bench/push`), and to a multiple elsewhere.

mod shop;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tidegate_core::view::PipelineRunView;

use crate::support::figures::{hold, median, show};
use crate::support::{Load, Mix, Tidegate, bare, eventually, full, get};
use shop::{HOST, Shop, build_of, queue};

const LONG: Duration = Duration::from_secs(60);
/// A shell's first command: tells when it runs, in milliseconds since the Unix epoch, with their parts.
const CLOCK: &str = "date +%s%N | sed 's/......$/.&/'";
/// Steps of which each is to cost little.
const STEPS: usize = 20;
/// Requests a second while runs wait.
const RATE: f64 = 300.0;
/// Runs that wait.
const QUEUED: usize = 200;

fn repeats() -> usize {
    if full() { 9 } else { 1 }
}

fn unix_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64() * 1e3
}

#[test]
fn a_push_is_at_its_first_step_at_once_and_each_step_costs_little() {
    let tidegate = Tidegate::up();
    let mut steps = vec![format!("{{ name: clock, run: \"{CLOCK}\" }}")];
    steps.extend((1..=STEPS).map(|n| format!("{{ name: s{n}, run: 'true' }}")));
    let first = steps.remove(0);
    let stages =
        format!("    first: {{ steps: [{first}] }}\n    many: {{ steps: [{}] }}\n", steps.join(", "));
    let shop = Shop::new(&tidegate, &stages);
    let (mut until_first, mut each) = (Vec::new(), Vec::new());
    for round in 0..=repeats() {
        shop.change("file", &round.to_string());
        let begun = unix_ms();
        let run = shop.push_well(&tidegate);
        if round == 0 {
            continue; // it made the repository
        }
        let own = bare::first_command(CLOCK);
        until_first.push(printed(&tidegate, &run, "first") - begun - own);
        each.push(seconds(&run, "many") * 1e3 / STEPS as f64);
    }
    hold("from push to first step running", median(until_first), 300.0, "ms", 6.0);
    hold("a step on top of its command", median(each), 30.0, "ms", 8.0);
}

/// What the only step of a stage printed, as a number.
fn printed(tidegate: &Tidegate, run: &PipelineRunView, stage: &str) -> f64 {
    let said = tidegate.run(&["pipeline", "logs", &run.run.to_string(), "--stage", stage]);
    let text = String::from_utf8(said.stdout).unwrap();
    let word = text.split_whitespace().last();
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no number: {text}"))
}

fn seconds(run: &PipelineRunView, stage: &str) -> f64 {
    run.stages.iter().find(|other| other.name == stage).and_then(|stage| stage.seconds).unwrap()
}

#[test]
fn what_is_built_already_serves_in_a_moment() {
    let tidegate = Tidegate::up();
    let shop = Shop::new(&tidegate, "    build: build\n    deploy: deploy\n");
    // Both are built, each serves once.
    for version in ["1", "2"] {
        shop.serve(version);
        shop.push_well(&tidegate);
    }
    let (mut through_build, mut serving) = (Vec::new(), Vec::new());
    for round in 0..repeats() {
        let version = if round % 2 == 0 { "1" } else { "2" };
        shop.serve(version);
        let begun = Instant::now();
        let push = shop.push_begin();
        let wanted = format!("{version}\n");
        eventually("the version serves", LONG, || {
            get(tidegate.gateway(), HOST, "/version").ok().filter(|answer| answer.body == wanted)
        });
        serving.push(begun.elapsed().as_secs_f64() * 1e3);
        let lines = push.finish();
        through_build.push(build_of(&lines, begun));
    }
    hold("from push through a build from cache", median(through_build), 1_000.0, "ms", 5.0);
    hold("from push to serving, build from cache", median(serving), 1_500.0, "ms", 5.0);
}

/// Takes minutes, and means something on a machine with nothing else to do.
#[test]
#[ignore = "run by bench/push"]
fn users_do_not_feel_runs_that_wait() {
    let tidegate = Tidegate::up();
    let shop = Shop::new(&tidegate, "    build: build\n    deploy: deploy\n");
    shop.push_well(&tidegate);
    let (mut quiet, mut beside) = (vec![p99(&tidegate)], Vec::new());
    for round in 0..3 {
        let runs = queue(&tidegate, &shop, QUEUED, round);
        beside.push(p99(&tidegate));
        runs.cancel(&tidegate);
        quiet.push(p99(&tidegate));
    }
    let (quiet, beside) = (median(quiet), median(beside));
    show(&["p99 in quiet time".to_owned(), format!("{quiet:.2} ms")]);
    show(&[format!("p99 while {QUEUED} runs wait"), format!("{beside:.2} ms")]);
    hold("p99 with runs that wait, of that in quiet time", beside / quiet * 100.0, 110.0, "%", 5.0);
}

/// The latency that one request of a hundred is over.
fn p99(tidegate: &Tidegate) -> f64 {
    let load = Load::start(tidegate, HOST, RATE, Mix::Plain, None);
    std::thread::sleep(Duration::from_secs(if full() { 15 } else { 3 })); // the time measured over
    let report = load.finish();
    assert!(report.is_clean(), "{report}");
    report.latency_ms.p99
}
