//! What a change of the routing table costs: 1,000 routes, 200 upstreams with 1,000 endpoints, steady load, one change
//! after the other. How long until every worker uses it, and whether a request can tell.

mod app;
mod gateway;
mod load;
mod table;

use std::time::{Duration, Instant};

use crate::support::figures::{hold, millis, show};
use crate::support::full;
use gateway::Gateway;
use load::{Asked, Load};
use table::Tables;

/// From one change to the next.
const PAUSE: Duration = Duration::from_millis(250);
/// Requests that were sent so long after a change, or were under way when it came, belong to it.
const AROUND: Duration = Duration::from_millis(100);
/// Requests a second are these by one in each `EVERY`.
const CLIENTS: usize = 8;
const EVERY: Duration = Duration::from_millis(10);

#[test]
fn a_large_table_is_changed_in_a_moment_and_no_request_waits_for_it() {
    let (apps, gateway) = (app::serve(4), Gateway::start());
    let mut tables = Tables::new(apps.addresses.clone());
    let first = gateway.apply(tables.current());
    // What has run for a while remembers much of what is gone.
    for _ in 0..3 {
        gateway.apply(tables.replace_all());
    }
    let load = Load::start(gateway.address, CLIENTS, EVERY);
    let changes = if full() { 200 } else { 9 };
    let mut took = Vec::new();
    let mut at = Vec::new();
    for step in 0..changes {
        std::thread::sleep(PAUSE); // the load's quiet time, not a wait for a state
        let table = tables.change(step);
        at.push(Instant::now());
        took.push(gateway.apply(table));
    }
    std::thread::sleep(PAUSE);
    let asked = load.finish();
    let (around, quiet): (Vec<Asked>, Vec<Asked>) =
        asked.into_iter().partition(|asked| is_around(asked, &at));
    // A busy machine may be too slow for the whole timetable; then the figures say nothing.
    let least = if full() { changes * 30 } else { 1 };
    assert!(around.len() >= least && quiet.len() >= least, "the load was lower than planned");
    report(first, took, around, quiet);
}

fn is_around((sent, took): &Asked, changes: &[Instant]) -> bool {
    changes.iter().any(|change| *sent <= *change + AROUND && *sent + *took >= *change)
}

fn report(first: Duration, took: Vec<Duration>, around: Vec<Asked>, quiet: Vec<Asked>) {
    let took = Spread::of(took);
    let latencies = |asked: Vec<Asked>| Spread::of(asked.into_iter().map(|(_, took)| took).collect());
    let (around, quiet) = (latencies(around), latencies(quiet));
    show(&["the first table, of 1,000 routes and endpoints".into(), format!("{:.1} ms", millis(first))]);
    show(&["from a change to every worker: p50, p99, max".into(), took.words()]);
    show(&["requests in quiet time: p50, p99, max".into(), quiet.words()]);
    show(&["requests within 100 ms of a change: the same".into(), around.words()]);
    // Other builds and other machines show only that nothing stands still.
    let held = |what, measured, most| hold(what, measured, most, "ms", 500.0);
    held("from a change to every worker, p99", millis(took.p99), 10.0);
    held("p50 around changes over quiet time", millis(around.p50.saturating_sub(quiet.p50)), 1.0);
    held("p99 around changes over quiet time", millis(around.p99.saturating_sub(quiet.p99)), 2.0);
}

/// The middle, what one of a hundred is over, and the longest.
struct Spread {
    p50: Duration,
    p99: Duration,
    max: Duration,
}

impl Spread {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
        Spread { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }

    fn words(&self) -> String {
        let [p50, p99, max] = [self.p50, self.p99, self.max].map(millis);
        format!("{p50:.2}  {p99:.2}  {max:.2} ms")
    }
}
