//! The tables on the screen, and the same as JSON.
#![allow(clippy::print_stdout)] // the one place that prints

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::case::Case;
use crate::contest::{Measured, Outcome, PerConnection};
use crate::figures::Figures;
use crate::peer::Peer;
use crate::wanted::{Verdict, better_of_both, speed};

/// Prints the table of one case.
pub fn print_case(case: Case, measured: &Measured) {
    println!("\n{}: {}", case.name(), case.title());
    match measured {
        Measured::Speed(outcome, rate) => {
            if let Some(rate) = rate {
                println!("  {rate:.0} requests a second, 70 % of HAProxy's most");
            }
            print_speeds(outcome);
        }
        Measured::Memory(outcome) => print_memory(outcome),
    }
}

fn print_speeds(outcome: &Outcome<Figures>) {
    println!(
        "  {:<10}{:>12}{:>7}{:>11}{:>9}{:>9}{:>11}{:>9}{:>9}{:>10}",
        "", "req/CPU s", "busy", "req/s", "p50 ms", "p99 ms", "x haproxy", "x best", "x floor", "x splice"
    );
    for (peer, figures) in outcome {
        match figures {
            Ok(figures) => print_row(*peer, figures, outcome),
            Err(why) => print_absent(*peer, why),
        }
    }
}

fn print_row(peer: Peer, figures: &Figures, outcome: &Outcome<Figures>) {
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

fn print_memory(outcome: &Outcome<PerConnection>) {
    for (peer, per_connection) in outcome {
        match per_connection {
            Ok(all) => {
                let each: Vec<String> =
                    all.iter().map(|(count, kib)| format!("{kib:>9.1} KiB at {count:>6}")).collect();
                println!("  {:<10}{}", peer.name(), each.join(""));
            }
            Err(why) => print_absent(*peer, why),
        }
    }
}

fn print_absent(peer: Peer, why: &str) {
    println!("  {:<10}unavailable: {why}", peer.name());
}

/// Prints what was wanted beside what was measured.
pub fn print_verdicts(verdicts: &[Verdict]) {
    if verdicts.is_empty() {
        return;
    }
    println!("\n  {:<68}{:>9}{:>9}", "wanted of tidegate", "measured", "wanted");
    for verdict in verdicts {
        let measured = verdict.measured.as_ref().map_or("-".to_owned(), |measured| format!("{measured:.2}"));
        let holds = if verdict.holds() { "ok" } else { "NOT KEPT" };
        let why = verdict.measured.as_ref().err().map(|why| format!(": {why}")).unwrap_or_default();
        println!("  {:<68}{measured:>9}{:>9}  {holds}{why}", verdict.what, verdict.wanted.to_string());
    }
}

/// Everything as JSON: cases, proxies, figures, verdicts.
pub fn to_json(measured: &BTreeMap<Case, Measured>, verdicts: &[Verdict]) -> Value {
    let case = |measured: &Measured| match measured {
        Measured::Speed(outcome, rate) => json!({ "proxies": proxies(outcome), "paced_rate": rate }),
        Measured::Memory(outcome) => json!({ "kib_per_connection": proxies(outcome) }),
    };
    let cases: Map<_, _> = measured.iter().map(|(name, of)| (name.name().to_owned(), case(of))).collect();
    json!({ "cases": cases, "verdicts": verdicts.iter().map(verdict).collect::<Vec<_>>() })
}

fn proxies<T: Serialize>(outcome: &Outcome<T>) -> Map<String, Value> {
    let figures = |of: &Result<T, String>| match of {
        Ok(figures) => json!(figures),
        Err(why) => json!({ "unavailable": why }),
    };
    outcome.iter().map(|(peer, of)| (peer.name().to_owned(), figures(of))).collect()
}

fn verdict(verdict: &Verdict) -> Value {
    let (measured, why) = (verdict.measured.as_ref().ok(), verdict.measured.as_ref().err());
    let wanted = verdict.wanted.to_string();
    json!({ "what": verdict.what, "measured": measured, "why": why, "wanted": wanted, "holds": verdict.holds() })
}
