//! The judge, and what others do, on the same simulated traffic: how often each takes back a good candidate, and what a bad one
//! costs until it is found. `bench/judge` runs it; the figures it must reach are in [`mod@rows`].
#![allow(clippy::print_stdout)] // a program for the people who work here

mod chance;
mod fixed_line;
mod latency;
mod rank_test;
mod report;
mod rows;
mod traffic;
mod trial;

#[cfg(test)]
mod tests;

use std::process::ExitCode;

use clap::Parser;

/// The judge on simulated traffic.
#[derive(Debug, Parser)]
struct Options {
    /// Runs of each row
    #[arg(long, default_value_t = 2_000)]
    runs: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only rows whose name has this in it
    #[arg(long, default_value = "")]
    only: String,
    /// Write the figures to a file as well
    #[arg(long)]
    json: Option<std::path::PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut figures = Vec::new();
    let mut good = true;
    println!("{}", report::HEAD);
    for row in rows::all().iter().filter(|row| row.name.contains(&options.only)) {
        let result = trial::run(row, options.runs, options.seed);
        let wrong = row.wanted.missed_by(&result);
        good &= wrong.is_none();
        println!("{}", report::line(row, &result, wrong));
        figures.push(report::json(row, &result));
    }
    if let Some(file) = options.json
        && let Err(error) = std::fs::write(&file, serde_json::json!(figures).to_string())
    {
        println!("{} cannot be written: {error}", file.display());
        good = false;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
