//! `tidegate pipeline`: the way of a commit, and its runs.

pub mod run;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate pipeline run                 on this machine, without a server\n  \
                  tidegate pipeline run --step unit --shell-on-fail"
)]
pub struct PipelineArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do with pipelines.
#[derive(Debug, Subcommand)]
enum What {
    /// Run the pipeline of this folder on this machine: the build and the steps, without a server
    Run(run::RunArgs),
}

/// Does what was typed.
pub fn run(args: PipelineArgs, session: &Session) -> Result<Exit, Failure> {
    match args.what {
        What::Run(args) => run::run(args, session),
    }
}
