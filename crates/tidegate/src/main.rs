//! The `tidegate` command. Starting it is in [`cli`] (what was typed) and [`commands`] (what it does); what it prints is
//! in [`mod@print`]. The parts themselves are crates of their own.

mod cli;
mod commands;
mod commits;
mod credentials;
mod edge;
mod exit;
mod failure;
mod flag_edge;
mod folder;
mod glass;
mod local;
mod locate;
mod marks;
mod patience;
mod print;
mod session;
mod trace;
mod who;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::Exit;

fn main() -> ExitCode {
    exit::panics_are_bugs();
    let exit = match Cli::try_parse() {
        Ok(cli) => commands::run(cli).unwrap_or_else(|failure| failure.report()),
        Err(usage) => said_by_clap(&usage),
    };
    exit.into()
}

/// Help and version go to standard output; a mistake is the user's, and clap says what to type next.
fn said_by_clap(usage: &clap::Error) -> Exit {
    let _ = usage.print();
    if usage.use_stderr() { Exit::MISTAKE } else { Exit::DONE }
}
