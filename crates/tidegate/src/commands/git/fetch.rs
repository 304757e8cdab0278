//! `tidegate git fetch`: has the repository that an app follows looked at now.

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
pub struct FetchArgs {
    /// The app [default: the one in this folder]
    #[arg(value_name = "APP")]
    app: Option<Name>,
}

/// Asks the server, which looks in its own time.
pub fn run(args: FetchArgs, session: &Session) -> Result<Exit, Failure> {
    let app = app_of(args.app, session, "fetch APP")?;
    let client = session.client()?;
    let source = session.wait(async { Ok(client.git_look(&app, &who::asks()).await?) })?;
    Out::new().line(format!("{} is looked at; `tidegate git sources` shows what comes of it", source.url))
}
