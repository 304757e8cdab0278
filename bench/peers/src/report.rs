//! The tables on the screen, and the same as JSON.
#![allow(clippy::print_stdout)] // the one place that prints

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::case::Case;
use crate::contest::Outcome;
use crate::figures::Figures;
use crate::peer::Peer;
use crate::wanted::{Verdict, better_of_both, speed};

/// Prints the table of one case.
pub fn print_case(case: Case, outcome: &Outcome) {
    println!("\n{}: {}", case.name(), case.title());
    println!(
        "  {:<10}{:>12}{:>7}{:>11}{:>9}{:>9}{:>11}{:>9}{:>9}{:>10}",
        "", "req/CPU s", "busy", "req/s", "p50 ms", "p99 ms", "x haproxy", "x best", "x floor", "x splice"
    );
    for (peer, figures) in outcome {
        match figures {
            Ok(figures) => print_row(*peer, figures, outcome),
            Err(why) => println!("  {:<10}unavailable: {why}", peer.name()),
        }
    }
}

fn print_row(peer: Peer, figures: &Figures, outcome: &Outcome) {
    let own = figures.per_cpu_second;
    let ratio = |other: Option<f64>| other.map_or("-".to_owned(), |other| format!("{:.2}", own / other));
    println!(
        "  {:<10}{:>12.0}{:>6.0}%{:>11.0}{:>9.2}{:>9.2}{:>11}{:>9}{:>9}{:>10}",
        peer.name(),
        own,
        100.0 * figures.busy,
        figures.rate,
        figures.p50_ms,
        figures.p99_ms,
        ratio(speed(outcome, Peer::Haproxy)),
        ratio(better_of_both(outcome)),
        ratio(speed(outcome, Peer::Floor)),
        ratio(speed(outcome, Peer::Splice)),
    );
    if !figures.troubles.is_empty() {
        println!("  {:<10}went wrong: {}", "", figures.troubles.join(", "));
    }
}

/// Prints what was wanted beside what was measured.
pub fn print_verdicts(verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    println!("\n  {:<52}{:>9}{:>9}", "wanted of tidegate", "measured", "wanted");
    for verdict in verdicts {
        let measured = verdict.measured.as_ref().map_or("-".to_owned(), |measured| format!("{measured:.2}"));
        let holds = if verdict.holds() { "ok" } else { "NOT KEPT" };
        let why = verdict.measured.as_ref().err().map(|why| format!(": {why}")).unwrap_or_default();
        println!("  {:<52}{measured:>9}{:>9}  {holds}{why}", verdict.what, format!(">= {}", verdict.wanted));
    }
}

/// Everything as JSON: cases, proxies, figures, verdicts.
pub fn to_json(outcomes: &BTreeMap<Case, Outcome>, verdicts: &[Verdict]) -> Value {
    let figures = |figures: &Result<Figures, String>| match figures {
        Ok(figures) => json!(figures),
        Err(why) => json!({ "unavailable": why }),
    };
    let case = |outcome: &Outcome| -> Value {
        outcome
            .iter()
            .map(|(peer, of)| (peer.name().to_owned(), figures(of)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let verdict = |verdict: &Verdict| {
        let (measured, why) = (verdict.measured.as_ref().ok(), verdict.measured.as_ref().err());
        json!({ "what": verdict.what, "measured": measured, "why": why, "wanted": verdict.wanted, "holds": verdict.holds() })
    };
    let cases: serde_json::Map<_, _> =
        outcomes.iter().map(|(name, outcome)| (name.name().to_owned(), case(outcome))).collect();
    json!({ "cases": cases, "verdicts": verdicts.iter().map(verdict).collect::<Vec<_>>() })
}
