//! Runs the simulation: `tidegate-sim --seeds 0..10000 --faults all`, `--trace SEED`, `--pass-speed 200`.
#![allow(clippy::print_stdout, reason = "a program of the command line prints")]

use std::ops::Range;
use std::process::ExitCode;
use std::time::Instant;

use tidegate_sim::story::Faults;
use tidegate_sim::{campaign, run, speed};

const USAGE: &str = "usage: tidegate-sim [--seeds A..B] [--faults none|crash|all|judged] [--trace SEED] [--pass-speed SERVICES]";

struct Asked {
    seeds: Range<u64>,
    faults: Faults,
    trace: Option<u64>,
    pass_speed: Option<u32>,
}

fn main() -> ExitCode {
    let asked = match asked(std::env::args().skip(1)) {
        Ok(asked) => asked,
        Err(what) => {
            println!("{what}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if let Some(services) = asked.pass_speed {
        println!("{}", speed::measure(services));
        return ExitCode::SUCCESS;
    }
    match asked.trace {
        Some(seed) => trace(seed, asked.faults),
        None => campaign(asked.seeds, asked.faults),
    }
}

fn asked(mut words: impl Iterator<Item = String>) -> Result<Asked, String> {
    let mut asked = Asked { seeds: 0..1_000, faults: Faults::All, trace: None, pass_speed: None };
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("`{word}` needs a value"))?;
        let bad = || format!("`{word} {value}` is not understood");
        match word.as_str() {
            "--seeds" => asked.seeds = range(&value).ok_or_else(bad)?,
            "--faults" => asked.faults = faults(&value).ok_or_else(bad)?,
            "--trace" => asked.trace = Some(value.parse().map_err(|_| bad())?),
            "--pass-speed" => asked.pass_speed = Some(value.parse().map_err(|_| bad())?),
            _ => return Err(bad()),
        }
    }
    Ok(asked)
}

fn range(text: &str) -> Option<Range<u64>> {
    let (start, end) = text.split_once("..")?;
    Some(start.parse().ok()?..end.parse().ok()?)
}

fn faults(text: &str) -> Option<Faults> {
    match text {
        "none" => Some(Faults::None),
        "crash" => Some(Faults::Crash),
        "all" => Some(Faults::All),
        "judged" => Some(Faults::Judged),
        _ => None,
    }
}

fn trace(seed: u64, faults: Faults) -> ExitCode {
    let report = run::play(seed, faults, true);
    report.trace.iter().for_each(|line| println!("{line}"));
    println!("\n{}\n\n{:?}\n{:?}", report.end, report.tally, report.requests);
    let Some(violation) = &report.violation else { return ExitCode::SUCCESS };
    println!("\nVIOLATION {}\n{}", violation.invariant, violation.what);
    ExitCode::FAILURE
}

#[allow(clippy::disallowed_methods, reason = "the time a campaign takes is told, nothing is decided by it")]
fn campaign(seeds: Range<u64>, faults: Faults) -> ExitCode {
    let begun = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let totals = campaign::run_seeds(seeds, faults, threads);
    let shown = match faults {
        Faults::None | Faults::Crash => "none|crash",
        Faults::All => "all",
        Faults::Judged => "judged",
    };
    for (seed, violation) in &totals.violations {
        println!(
            "seed {seed}: {}: {}\n  (trace: --faults {shown} --trace {seed})",
            violation.invariant, violation.what
        );
    }
    println!(
        "{} runs, {} steps, {} passes, {:.1} virtual hours, {} crashes, {} faults, {} requests ({} answered), \
         {} violations, {:.1} s",
        totals.runs,
        totals.steps,
        totals.passes,
        totals.virtual_ms as f64 / 3_600_000.0,
        totals.crashes,
        totals.faults,
        totals.requests,
        totals.answered,
        totals.violations.len(),
        begun.elapsed().as_secs_f64(),
    );
    if totals.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
