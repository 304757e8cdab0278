//! What is simulated, and what is wanted of it.

use crate::run::Outcome;
use crate::values::Values;

/// Where fewer findings than this part have an interval, a row about intervals shows nothing.
const LEAST_SAID: f64 = 0.2;

/// One kind of experiment.
#[derive(Clone, Debug)]
pub struct Row {
    /// In words.
    pub name: &'static str,
    /// The weights that are meant, the control first.
    pub meant: Vec<u64>,
    /// Those that users are dealt out by.
    pub really: Vec<f64>,
    /// What the users of each variant come to, metric by metric.
    pub values: Vec<Vec<Values>>,
    /// The experiment is over after so many.
    pub users: u64,
    /// What the first metric is called, where that decides how it is counted.
    pub metric: Option<&'static str>,
    /// What it must reach.
    pub wanted: Wanted,
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub enum Wanted {
    /// No interval misses the truth at any look in more than this part, and there is one at enough of the looks.
    Covers(f64),
    /// A difference is found in at least this part.
    Finds(f64),
    /// The alarm is raised in at most this part.
    NoAlarm(f64),
    /// The alarm is raised in at least this part.
    Alarm(f64),
}

impl Wanted {
    /// What was not reached, in words. Chance may add three standard deviations to what is allowed.
    pub fn missed_by(&self, outcome: &Outcome) -> Option<String> {
        let runs = outcome.runs as f64;
        let slack = |part: f64| 3.0 * (part * (1.0 - part) / runs).sqrt();
        let (good, what) = match *self {
            Wanted::Covers(_) if outcome.said() < LEAST_SAID => (false, "says too little"),
            Wanted::Covers(part) => (outcome.part(outcome.missed) <= part + slack(part), "misses the truth"),
            Wanted::Finds(part) => (outcome.part(outcome.decided) >= part - slack(part), "finds too little"),
            Wanted::NoAlarm(part) => (outcome.part(outcome.alarmed) <= part + slack(part), "false alarms"),
            Wanted::Alarm(part) => (outcome.part(outcome.alarmed) >= part - slack(part), "no alarm"),
        };
        (!good).then(|| what.to_owned())
    }
}

/// All of them.
pub fn all() -> Vec<Row> {
    let buys = Values::Buys;
    let spends = |limit: f64| Values::Spends { buys: 0.05, sigma: 1.0, limit };
    let even =
        |name, values: [Values; 2], wanted| row(name, &[1, 1], &values.map(|value| vec![value]), wanted);
    let mut rows = vec![
        even("A/A, 20 % buy", [buys(0.2); 2], Wanted::Covers(0.05)),
        even("A/A, 2 % buy", [buys(0.02); 2], Wanted::Covers(0.05)),
        even("A/A, 0.5 % buy", [buys(0.005); 2], Wanted::Covers(0.05)),
        even("A/A, revenue cut at 300", [spends(300.0); 2], Wanted::Covers(0.05)),
        even("A/A, revenue cut at 100000", [spends(1e5); 2], Wanted::Covers(0.05)),
        row(
            "A/A, 2 % buy, shares 9 to 1",
            &[9, 1],
            &[vec![buys(0.02)], vec![buys(0.02)]],
            Wanted::Covers(0.05),
        ),
        row("A/A/A/A, two metrics", &[1; 4], &vec![vec![buys(0.1), spends(300.0)]; 4], Wanted::Covers(0.05)),
        even("A/A, 0.5 % bad answers", [buys(0.005); 2], Wanted::Covers(0.05)),
        even("0 % and 98 % bad answers", [buys(0.0), buys(0.98)], Wanted::Finds(0.99)),
        even("2 % and 3 % buy", [buys(0.02), buys(0.03)], Wanted::Covers(0.05)),
        even("10 % and 11.5 % buy", [buys(0.1), buys(0.115)], Wanted::Covers(0.05)),
        even("10 % and 12 % buy", [buys(0.1), buys(0.12)], Wanted::Finds(0.7)),
        even("10 % and 13 % buy", [buys(0.1), buys(0.13)], Wanted::Finds(0.97)),
        even("10 % and 15 % buy", [buys(0.1), buys(0.15)], Wanted::Finds(0.99)),
        even("10 % and 0 % buy", [buys(0.1), buys(0.0)], Wanted::Finds(0.99)),
        row("split 9 to 1 as meant", &[9, 1], &[vec![buys(0.1)], vec![buys(0.1)]], Wanted::NoAlarm(0.001)),
        row("split in three as meant", &[2, 1, 1], &vec![vec![buys(0.1)]; 3], Wanted::NoAlarm(0.001)),
    ];
    // Rare, skewed and lopsided ones have an interval late.
    for row in &mut rows {
        let late = ["A/A, 0.5 % buy", "A/A, revenue cut at 100000", "A/A, 2 % buy, shares 9 to 1"];
        row.metric = row.name.ends_with("bad answers").then_some("gateway.errors");
        row.users = if late.contains(&row.name) { 40_000 } else { row.users };
    }
    rows.extend([
        off("split meant 50 %, is 51 %", 0.51, 0.0),
        off("split meant 50 %, is 52 %", 0.52, 0.15),
        off("split meant 50 %, is 55 %", 0.55, 0.99),
    ]);
    rows
}

/// Users are dealt out as meant.
fn row(name: &'static str, meant: &[u64], values: &[Vec<Values>], wanted: Wanted) -> Row {
    let all: u64 = meant.iter().sum();
    let really = meant.iter().map(|weight| *weight as f64 / all as f64).collect();
    Row { name, meant: meant.to_vec(), really, values: values.to_vec(), users: 10_000, metric: None, wanted }
}

/// Users are not.
fn off(name: &'static str, share: f64, alarm: f64) -> Row {
    let values = vec![vec![Values::Buys(0.1)]; 2];
    Row { really: vec![share, 1.0 - share], ..row(name, &[1, 1], &values, Wanted::Alarm(alarm)) }
}
