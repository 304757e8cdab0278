//! What counting and logging cost a request, in nanoseconds:
//! `cargo test --release -p tidegate-gateway --lib observe::cost -- --ignored --nocapture`.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant, SystemTime};

use super::line::Lines;
use super::line::tests::record;
use super::log::Log;
use super::writer::LogCounts;
use super::{Sample, Wish};
use crate::count::{Outcome, Over, Protocol, RouteRow, Row, Tally};

const TIMES: u32 = 2_000_000;

/// The best of five rounds: what else runs on the machine only adds.
fn measure(what: &str, mut once: impl FnMut(u64)) {
    let round = |_| {
        let begun = Instant::now();
        (0..u64::from(TIMES)).for_each(&mut once);
        begun.elapsed() / TIMES
    };
    let best = (0..5).map(round).min().unwrap_or_default();
    println!("{what}: {} ns", best.as_nanos());
}

#[test]
#[ignore = "measures; run it alone and optimized"]
fn what_a_request_pays() {
    let (row, route, tally) = (Row::new(2), RouteRow::new(("*", "/", "app/dev/web"), 2), Tally::default());
    let lane = route.lane(0).clone();
    measure("counting, whole request", |turn| {
        row.add(0, Outcome::Good, Duration::from_nanos(200_000 + turn % 300_000));
        row.add_bytes(0, 0, 1_024);
        let over = Over {
            protocol: Protocol::Http1,
            route: Some(&lane),
            arm: None,
            status: 200,
            received: 0,
            sent: 1_024,
        };
        tally.on_over(black_box(&over));
    });
    let sample: Option<Sample> = black_box(None);
    measure("log off", |_| {
        black_box(sample.map_or(Wish::Never, |sample| sample.wish(b"id")));
    });
    let sample = black_box(Sample::Below(u64::MAX / 100));
    let id = *b"0123456789abcdef00000001";
    measure("log at 1 %, not this one", |_| {
        black_box(sample.wish(black_box(&id)));
    });
    let (send, receive) = sync_channel(64);
    let reader = std::thread::spawn(move || receive.iter().count());
    let mut log = Log::new(Lines::new(false), send, Arc::new(LogCounts::default()));
    measure("log on", |_| log.write(black_box(&record()), SystemTime::now()));
    drop(log);
    reader.join().unwrap();
}
