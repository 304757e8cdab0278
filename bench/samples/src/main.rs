//! Experiments on simulated users, looked at after every one of them, beside a test that is made for one look. `bench/experiments`
//! runs it; what is wanted is in [`mod@rows`].
#![allow(clippy::print_stdout)] // a program for the people who work here

mod chance;
mod rows;
mod run;
mod values;

use std::process::ExitCode;

use clap::Parser;

/// Experiments on simulated users.
#[derive(Debug, Parser)]
struct Options {
    /// Experiments of each row
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
    let (mut good, mut figures) = (true, Vec::new());
    println!("{}", run::HEAD);
    for row in rows::all().iter().filter(|row| row.name.contains(&options.only)) {
        let outcome = run::run(row, options.runs, options.seed);
        let wrong = row.wanted.missed_by(&outcome);
        good &= wrong.is_none();
        println!(
            "{}{}",
            outcome.line(row.name),
            wrong.map_or(String::new(), |wrong| format!("  <- {wrong}"))
        );
        figures.push(outcome.json(row.name));
    }
    if let Some(file) = options.json
        && let Err(error) = std::fs::write(&file, serde_json::json!(figures).to_string())
    {
        println!("{} cannot be written: {error}", file.display());
        good = false;
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
