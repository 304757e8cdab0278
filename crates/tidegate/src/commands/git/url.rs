//! `tidegate git url`: where to push an app.

use clap::Args;
use tidegate_core::model::Name;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
pub struct UrlArgs {
    /// The app [default: the one in this folder]
    #[arg(value_name = "APP")]
    app: Option<Name>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks the server, which has the token.
pub fn run(args: UrlArgs, session: &Session) -> Result<Exit, Failure> {
    let scope = session.scope(ScopeArgs { app: args.app, environment: None });
    let which =
        || Failure::mistake("which app is not clear: there is no manifest here", "`tidegate git url APP`");
    let app = scope.app.ok_or_else(which)?;
    let client = session.client()?;
    let urls = session.wait(async { Ok(client.git_urls(&app, &who::asks()).await?) })?;
    if args.json.json {
        return Out::new().json_line(&urls);
    }
    Out::new().line(urls.http)
}
