//! Everything that lasts, open at once in front of an app, while the app is rolled out again and again and Tidegate itself
//! is upgraded. `bench/everything` builds and runs it.
//!
//! Read [`story`] first: it starts a server, deploys [`app`], has [`clients`] gather, rolls out, and leaves an [`account`]
//! whose verdict is the exit code. It drives the real `tidegate` and knows nothing of its insides.

mod account;
mod app;
mod clients;
mod example;
mod frames;
mod full;
mod ledger;
mod server;
mod size;
mod spread;
mod story;
mod stuff;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use size::Size;

#[derive(Debug, Parser)]
#[command(name = "tidegate-crowd", version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hold everything open over rollouts and an upgrade: exits 0 when nothing was lost
    Run(Run),
    /// Open far more connections than the gateway has descriptors for: exits 0 when those it took stay served
    Full(Full),
    /// Be the app
    App(Served),
}

#[derive(Debug, Args)]
struct Run {
    /// The program `tidegate`
    #[arg(long)]
    tidegate: PathBuf,
    /// A Python with grpcio and websockets
    #[arg(long)]
    python: PathBuf,
    /// The same story on a small scale
    #[arg(long)]
    quick: bool,
}

#[derive(Debug, Args)]
struct Full {
    /// The program `tidegate`
    #[arg(long)]
    tidegate: PathBuf,
    /// How many connections
    #[arg(long, default_value_t = 10_000)]
    connections: usize,
    /// The gateway's limit of file descriptors
    #[arg(long, default_value_t = 4_096)]
    descriptors: usize,
}

#[derive(Debug, Args)]
struct Served {
    /// gRPC, instead of everything else
    #[arg(long)]
    rpc: bool,
}

fn main() -> ExitCode {
    let done = match Options::parse().command {
        Command::App(served) => app::serve(served.rpc).map(|()| true),
        Command::Run(run) => {
            let size = if run.quick { Size::QUICK } else { Size::FULL };
            story::play(&run.tidegate, &run.python, size)
        }
        Command::Full(full) => full::play(&full.tidegate, full.connections, full.descriptors),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => fail(&error),
    }
}

fn fail(error: &io::Error) -> ExitCode {
    eprintln!("tidegate-crowd: {error}");
    ExitCode::from(2)
}
