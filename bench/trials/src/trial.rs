//! Runs a row many times, on as many threads as there are processors.

use tidegate_core::judge::{Judge, Policy};
use tidegate_core::model::Verdict;

use crate::chance::Chance;
use crate::fixed_line::FixedLine;
use crate::rank_test::RankTest;
use crate::rows::{HOUR, Row};
use crate::traffic::Stream;

/// Who was asked, in the order of the columns.
pub const JUDGES: [&str; 4] = ["judge", "fifth sample", "first sample", "rank test"];

/// The candidate was taken back: what it had served by then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Requests since it was bad.
    pub requests: u64,
    /// Bad answers since.
    pub bad: u64,
    /// Seconds since.
    pub seconds: u64,
}

/// How all runs of a row ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Runs.
    pub runs: u64,
    /// Those that were aborted, by who was asked.
    pub found: [Vec<Found>; JUDGES.len()],
    /// Those the judge promoted before anything else.
    pub promoted: u64,
    /// Those the judge aborted before the fault.
    pub early: u64,
    /// Runs in which the judge said otherwise when it was written down and read again half-way.
    pub differed: u64,
}

impl Outcome {
    /// The part of the runs that were aborted.
    pub fn aborted(&self, judge: usize) -> f64 {
        self.found[judge].len() as f64 / self.runs as f64
    }

    /// The middle of a figure.
    pub fn median(&self, judge: usize, figure: impl Fn(&Found) -> u64) -> Option<u64> {
        let mut all: Vec<u64> = self.found[judge].iter().map(figure).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }

    fn add(&mut self, other: Outcome) {
        self.runs += other.runs;
        self.promoted += other.promoted;
        self.early += other.early;
        self.differed += other.differed;
        self.found.iter_mut().zip(other.found).for_each(|(mine, its)| mine.extend(its));
    }
}

/// All runs.
pub fn run(row: &Row, runs: u64, seed: u64) -> Outcome {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    let stream = &row.traffic.stream();
    let mut outcome = Outcome::default();
    std::thread::scope(|scope| {
        let part = |thread: u64| {
            let mut outcome = Outcome::default();
            (thread..runs)
                .step_by(threads as usize)
                .for_each(|run| once(row, stream, seed, run, &mut outcome));
            outcome
        };
        let parts: Vec<_> = (0..threads).map(|thread| scope.spawn(move || part(thread))).collect();
        for part in parts {
            outcome.add(part.join().expect("a run that panics ends the table"));
        }
    });
    outcome
}

/// One run: the same windows for all who are asked.
fn once(row: &Row, stream: &Stream, seed: u64, run: u64, outcome: &mut Outcome) {
    let mut chance = Chance::new(seed.wrapping_mul(1_000_003).wrapping_add(run));
    let mut judge = Judge::new(begins(row, &mut chance));
    let mut restarted = judge.clone();
    let mut others = Others::new();
    let mut since = Found { requests: 0, bad: 0, seconds: 0 };
    let mut aborted = false;
    outcome.runs += 1;
    for second in 0..row.seconds {
        let window = stream.window(second, &mut chance);
        if second >= row.traffic.onset {
            since.requests += window.candidate.n;
            since.bad += window.candidate.bad;
            since.seconds += 1;
        }
        if !aborted {
            judge.take(&window);
            if row.restarts {
                restarted = read_again(restarted);
                restarted.take(&window);
                outcome.differed += u64::from(restarted != judge);
            }
            aborted = judge.decided().verdict == Verdict::Abort;
            match (aborted, second < row.traffic.onset) {
                (true, true) => outcome.early += 1,
                (true, false) => outcome.found[0].push(since),
                _ => {}
            }
        }
        others.take(&window, since, &mut outcome.found);
    }
    outcome.promoted += u64::from(judge.was_promoted());
}

/// The policy, with what the judgement before it ended with: an hour of other traffic, or less where that took the version back.
fn begins(row: &Row, chance: &mut Chance) -> Policy {
    let policy = Policy::default();
    let Some(before) = &row.before else { return policy };
    let (stream, mut judge) = (before.stream(), Judge::new(policy.clone()));
    for second in 0..HOUR {
        judge.take(&stream.window(second, chance));
        if judge.decided().verdict == Verdict::Abort {
            break;
        }
    }
    let carried = judge.carry(row.name.clone(), &policy).expect("both ask the same");
    Policy { carried, ..policy }
}

/// As a restart of the control plane does.
fn read_again(judge: Judge) -> Judge {
    let written = serde_json::to_vec(&judge).expect("a judge's state is finite numbers and words");
    serde_json::from_slice(&written).expect("what was written down can be read")
}

/// What the others say.
struct Others {
    lines: [FixedLine; 2],
    ranks: RankTest,
    done: [bool; 3],
}

impl Others {
    fn new() -> Self {
        Others {
            lines: [FixedLine::fifth(), FixedLine::first()],
            ranks: RankTest::default(),
            done: [false; 3],
        }
    }

    fn take(&mut self, window: &tidegate_core::judge::Window, since: Found, found: &mut [Vec<Found>; 4]) {
        let [fifth, first] = &mut self.lines;
        let said = [fifth.take(window), first.take(window), self.ranks.take(window)];
        for (other, said) in said.into_iter().enumerate() {
            if said && !self.done[other] {
                self.done[other] = true;
                found[other + 1].push(since);
            }
        }
    }
}
