//! `tidegate whoami`: who a server takes whoever types for.

use clap::Args;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
pub struct WhoamiArgs {
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks the server.
pub fn run(args: WhoamiArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let me = session.wait(async { Ok(client.whoami().await?) })?;
    let mut out = Out::new();
    if args.json.json { out.json_pretty(&me) } else { out.text(&print::who(&me, &client.address())) }
}
