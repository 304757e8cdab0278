//! `tidegate git sources`: the repositories at Git hosts that apps follow.

use clap::Args;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
pub struct SourcesArgs {
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and prints.
pub fn run(args: &SourcesArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let list = session.wait(async { Ok(client.git_sources().await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&list);
    }
    Out::new().text(&print::git_sources(&list))
}
