//! `tidegate shim`: the process that holds one instance. Started by the process backend, never by hand.

use std::path::PathBuf;

use clap::Args;

use crate::exit::Exit;
use crate::failure::Failure;

/// As typed.
#[derive(Debug, Args)]
pub struct ShimArgs {
    /// The unit's directory
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
}

/// Runs until the unit is over. Nothing may have started a thread before.
pub fn run(args: &ShimArgs) -> Result<Exit, Failure> {
    let code = tidegate_backend::process::shim_main(&args.dir);
    Ok(u8::try_from(code).map_or(Exit::BUG, Exit))
}
