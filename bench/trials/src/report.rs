//! The table.

use serde_json::{Value, json};
use tidegate_core::judge::{Forecast, Policy, Scene};

use crate::rows::{Row, Wanted};
use crate::trial::{Found, JUDGES, Outcome};

/// Its head.
pub const HEAD: &str = "| | aborted | requests (bad) until then | expected | limit | promoted | fifth failed sample | first failed sample | rank test | |\n\
                        |---|---|---|---|---|---|---|---|---|---|";

/// A line of it.
pub fn line(row: &Row, outcome: &Outcome, wrong: Option<String>) -> String {
    let expected = match row.wanted {
        Wanted::Found { expected, .. } => format!("{expected:.0}"),
        _ => "–".to_owned(),
    };
    let limit = limit(row).map_or("–".to_owned(), |limit| format!("{limit:.0}"));
    let promoted = outcome.promoted as f64 * 100.0 / outcome.runs as f64;
    let others: Vec<_> = (1..JUDGES.len()).map(|judge| cell(outcome, judge)).collect();
    format!(
        "| {} | {:.2} % | {} | {expected} | {limit} | {promoted:.1} % | {} | {} |",
        row.name,
        outcome.aborted(0) * 100.0,
        until(outcome, 0),
        others.join(" | "),
        wrong.unwrap_or_default(),
    )
}

/// The same for programs.
pub fn json(row: &Row, outcome: &Outcome) -> Value {
    let judges = JUDGES.iter().enumerate().map(|(judge, name)| {
        json!({ "who": name, "aborted": outcome.aborted(judge),
            "median_requests": outcome.median(judge, |found| found.requests),
            "median_bad": outcome.median(judge, |found| found.bad),
            "median_seconds": outcome.median(judge, |found| found.seconds) })
    });
    let judges: Vec<_> = judges.collect();
    json!({ "row": row.name, "runs": outcome.runs, "promoted": outcome.promoted, "early": outcome.early,
        "restarts_that_changed_something": outcome.differed, "judges": judges })
}

fn cell(outcome: &Outcome, judge: usize) -> String {
    let percent = format!("{:.1} %", outcome.aborted(judge) * 100.0);
    if outcome.found[judge].is_empty() { percent } else { format!("{percent}, {}", until(outcome, judge)) }
}

fn until(outcome: &Outcome, judge: usize) -> String {
    let figure = |figure: fn(&Found) -> u64| outcome.median(judge, figure);
    match (figure(|found| found.requests), figure(|found| found.bad)) {
        (Some(requests), Some(bad)) => format!("{requests} ({bad})"),
        _ => "–".to_owned(),
    }
}

/// Requests that a test needs that knows the fault beforehand.
fn limit(row: &Row) -> Option<f64> {
    let (traffic, rps) = (&row.traffic, row.traffic.candidate_rps + row.traffic.stable_rps);
    let scene = Scene { rps, share: traffic.candidate_rps / rps, base: traffic.base, bad: traffic.bad };
    let forecast = Forecast::of(&Policy::default(), &scene);
    (forecast.nats_per_request > 0.0).then(|| forecast.threshold / forecast.nats_per_request)
}
