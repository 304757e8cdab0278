//! `tidegate flag`: feature flags.

mod serve;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate flag serve --file flags.json --ofrep 127.0.0.1:8016\n  \
                  tidegate flag serve --file flags.yaml --ofrep 0.0.0.0:8016 --key-file keys")]
pub struct FlagArgs {
    #[command(subcommand)]
    what: What,
}

/// What to do with flags.
#[derive(Debug, Subcommand)]
enum What {
    /// Serve the flags of a file to OpenFeature clients
    Serve(serve::ServeArgs),
}

/// Does what was typed.
pub fn run(args: FlagArgs) -> Result<Exit, Failure> {
    match args.what {
        What::Serve(args) => serve::run(args),
    }
}
