//! `tidegate git disconnect`: has an app follow nothing any more.

use clap::Args;
use tidegate_core::model::Name;

use super::app_of;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
pub struct DisconnectArgs {
    /// The app [default: the one in this folder]
    #[arg(value_name = "APP")]
    app: Option<Name>,
}

/// Asks the server.
pub fn run(args: DisconnectArgs, session: &Session) -> Result<Exit, Failure> {
    let app = app_of(args.app, session, "disconnect APP")?;
    let client = session.client()?;
    let source = session.wait(async { Ok(client.git_disconnect(&app, &who::asks()).await?) })?;
    Out::new().line(format!("{app} does not follow {} any more", source.url))
}
