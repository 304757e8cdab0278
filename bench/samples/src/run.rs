//! Runs of one row: users one after the other, a look after each.

use serde_json::{Value, json};
use tidegate_core::experiment::{Design, Drawn, Experiment, ExperimentKey, Metric};
use tidegate_core::time::Millis;

use crate::chance::Chance;
use crate::rows::Row;

/// Above the lines.
pub const HEAD: &str = "row                               said   missed  decided  users until  at one look  peeking  alarms  users until";
/// A test made for one look is looked at after each so many users.
const PEEK_EVERY: u64 = 100;
/// How many standard errors such a test takes for a difference at 5 %.
const AT_ONE_LOOK: f64 = 1.96;

/// What the runs of a row came to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many.
    pub runs: u64,
    /// Findings that were looked at, and those of them that had an interval: without one none can miss the truth.
    pub looks: u64,
    /// See `looks`.
    pub said: u64,
    /// In which an interval missed the truth at any look.
    pub missed: u64,
    /// In which a difference in the first metric was found.
    pub decided: u64,
    /// Users until then.
    until: Vec<u64>,
    /// In which a test at the end alone finds one.
    once: u64,
    /// In which a test made for one look finds one at any of many.
    peeked: u64,
    /// In which the alarm was raised.
    pub alarmed: u64,
    /// Users until then.
    alarmed_at: Vec<u64>,
}

impl Outcome {
    /// A count as a part of the runs.
    pub fn part(&self, count: u64) -> f64 {
        count as f64 / self.runs.max(1) as f64
    }

    /// The part of all findings that had an interval.
    pub fn said(&self) -> f64 {
        self.said as f64 / self.looks.max(1) as f64
    }

    /// A line of the table.
    pub fn line(&self, name: &str) -> String {
        let percent = |count: u64| format!("{:.2} %", self.part(count) * 100.0);
        let middle = |list: &[u64]| median(list).map_or("-".to_owned(), |users| users.to_string());
        format!(
            "{name:<30} {:>7} {:>8} {:>8} {:>12} {:>12} {:>8} {:>7} {:>12}",
            format!("{:.0} %", self.said() * 100.0),
            percent(self.missed),
            percent(self.decided),
            middle(&self.until),
            percent(self.once),
            percent(self.peeked),
            percent(self.alarmed),
            middle(&self.alarmed_at)
        )
    }

    /// The same for programs.
    pub fn json(&self, name: &str) -> Value {
        json!({
            "row": name, "runs": self.runs, "said": self.said(), "missed": self.missed, "decided": self.decided,
            "users_until": median(&self.until), "at_one_look": self.once, "peeking": self.peeked,
            "alarmed": self.alarmed, "alarmed_after": median(&self.alarmed_at),
        })
    }
}

fn median(list: &[u64]) -> Option<u64> {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

/// All runs of a row.
pub fn run(row: &Row, runs: u64, seed: u64) -> Outcome {
    let truths: Vec<Vec<f64>> =
        row.values.iter().map(|arm| arm.iter().map(|values| values.mean()).collect()).collect();
    let mut outcome = Outcome { runs, ..Outcome::default() };
    for one in 0..runs {
        experiment(row, &truths, Chance::new(seed + one * 7_919), &mut outcome);
    }
    outcome
}

fn experiment(row: &Row, truths: &[Vec<f64>], mut chance: Chance, outcome: &mut Outcome) {
    let mut experiment = begin(row);
    let (mut missed, mut peeked, mut until, mut alarmed) = (false, false, None, None);
    for user in 1..=row.users {
        let place = place(row, chance.float());
        experiment.on_seen(place, 0);
        let values: Vec<f64> = row.values[place].iter().map(|values| values.draw(&mut chance)).collect();
        experiment.on_counted(place, &values, 0);
        alarmed = alarmed.or(experiment.alarmed_at_unix_ms.map(|_| user));
        for finding in experiment.findings() {
            let truth = truths[finding.place][finding.metric] - truths[0][finding.metric];
            outcome.looks += 1;
            let Some((low, high)) = finding.between else { continue };
            outcome.said += 1;
            missed |= !(low..=high).contains(&truth);
            if finding.metric == 0 && (low > 0.0 || high < 0.0) {
                until = until.or(Some(user));
            }
        }
        peeked |= user % PEEK_EVERY == 0 && seen_at_one_look(&experiment);
    }
    outcome.missed += u64::from(missed);
    outcome.decided += u64::from(until.is_some());
    outcome.until.extend(until);
    outcome.once += u64::from(seen_at_one_look(&experiment));
    outcome.peeked += u64::from(peeked);
    outcome.alarmed += u64::from(alarmed.is_some());
    outcome.alarmed_at.extend(alarmed);
}

fn begin(row: &Row) -> Experiment {
    let drawn = row.meant.iter().enumerate();
    let metrics = row.values[0].iter().enumerate();
    let design = Design {
        version: 0,
        drawn: drawn.map(|(at, weight)| Drawn { variant: format!("v{at}"), weight: *weight }).collect(),
        metrics: metrics
            .map(|(at, values)| {
                let name = row.metric.filter(|_| at == 0).map_or_else(|| format!("m{at}"), str::to_owned);
                Metric { name, limit: values.limit(), more: true }
            })
            .collect(),
        users: row.users,
        alpha: 0.05,
        within: Millis::ZERO,
        worth: None,
        rule: Value::Null,
        meant: None,
        user: Vec::new(),
        by: None,
    };
    let name = |text: &str| text.parse().expect("a name of letters is one");
    let flag = "flag".parse().expect("a key of letters is one");
    let key = ExperimentKey { app: name("app"), environment: name("dev"), flag };
    Experiment::begin(1, key, design, 0)
}

fn place(row: &Row, mut at: f64) -> usize {
    let mut place = 0;
    while place + 1 < row.really.len() && at >= row.really[place] {
        at -= row.really[place];
        place += 1;
    }
    place
}

/// What a test that is made for one look says of the first variant and metric.
fn seen_at_one_look(experiment: &Experiment) -> bool {
    let (control, variant) = (experiment.arms[0].metrics[0], experiment.arms[1].metrics[0]);
    if control.count() < 100 || variant.count() < 100 {
        return false;
    }
    let variance = control.variance() / control.count() as f64 + variant.variance() / variant.count() as f64;
    (variant.mean() - control.mean()).abs() > AT_ONE_LOOK * variance.sqrt()
}
