//! `tidegate completions`: what a shell needs to complete commands and options.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate completions bash > ~/.local/share/bash-completion/completions/tidegate\n  \
                        tidegate completions zsh > \"${fpath[1]}/_tidegate\""
)]
pub struct CompletionsArgs {
    /// Which shell
    pub shell: Shell,
}

/// Prints them.
pub fn run(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tidegate", &mut script);
    Out::new().bytes(&script)
}
