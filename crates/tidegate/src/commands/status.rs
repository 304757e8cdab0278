//! `tidegate status`: an environment of an app, now.

use clap::Args;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate status\n  tidegate status -e staging --json")]
pub struct StatusArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and shows.
pub fn run(args: StatusArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(args.scope);
    let status = session.wait(async { Ok(client.status(&scope).await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&status);
    }
    Out::new().text(&print::status(&status))
}
