//! `tidegate judge`: the judge on counts from a file or of the past, and what a decision will take. Only `backtest` asks a server.

mod backtest;
mod columns;
mod counts;
mod options;
mod plan;
mod replay;
mod summary;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate judge replay counts.csv --json\n  \
                  simulate | tidegate judge replay - --runs --summary --json\n  \
                  tidegate judge plan --rps 12 --share 10% --base 0.1% --bad 1%\n  \
                  tidegate judge backtest web\n\n\
                  It exits with 0 whatever the verdict is, and with 1 where the counts cannot be read.")]
pub struct JudgeArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum What {
    /// Judge counts per second from files, or check a proof bundle
    Replay(replay::ReplayArgs),
    /// Say how many requests and how much time a decision will take
    Plan(plan::PlanArgs),
    /// Say how often a policy would have aborted a good candidate, by what a service really answered
    Backtest(backtest::BacktestArgs),
}

/// Does what was typed.
pub fn run(args: JudgeArgs, session: &Session) -> Result<Exit, Failure> {
    match args.what {
        What::Replay(args) => replay::run(&args),
        What::Plan(args) => plan::run(&args),
        What::Backtest(args) => backtest::run(args, session),
    }
}
