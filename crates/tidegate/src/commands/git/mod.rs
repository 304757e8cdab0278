//! `tidegate git`: an app's repository on the server, and the one elsewhere that it follows.

mod authorize;
mod connect;
mod disconnect;
mod fetch;
mod sources;
mod url;

use clap::{Args, Subcommand};
use tidegate_core::model::Name;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git remote add tidegate \"$(tidegate git url)\"\n  git push tidegate HEAD:main\n  \
                  tidegate git connect https://github.com/ann/shop.git --poll 1m\n\n\
                        A push builds and tests the commit and deploys it where `environments` says its branch goes."
)]
pub struct GitArgs {
    #[command(subcommand)]
    command: GitCommand,
}

#[derive(Debug, Subcommand)]
enum GitCommand {
    /// Print the address to push an app to. It holds the token that opens the repository: a secret
    Url(url::UrlArgs),
    /// Print the line of authorized_keys that lets a key push over SSH
    Authorize(authorize::AuthorizeArgs),
    /// Have an app follow a repository at a Git host: by webhooks, by polling, or both
    Connect(connect::ConnectArgs),
    /// Show the repositories that apps follow
    Sources(sources::SourcesArgs),
    /// Have the repository that an app follows looked at now
    Fetch(fetch::FetchArgs),
    /// Have an app follow nothing any more
    Disconnect(disconnect::DisconnectArgs),
}

/// Does what was typed.
pub fn run(args: GitArgs, session: &Session) -> Result<Exit, Failure> {
    match args.command {
        GitCommand::Url(args) => url::run(args, session),
        GitCommand::Authorize(args) => authorize::run(&args, session),
        GitCommand::Connect(args) => connect::run(args, session),
        GitCommand::Sources(args) => sources::run(&args, session),
        GitCommand::Fetch(args) => fetch::run(args, session),
        GitCommand::Disconnect(args) => disconnect::run(args, session),
    }
}

/// The app as typed, or that of this folder. `usage`: what to type where there is none.
fn app_of(typed: Option<Name>, session: &Session, usage: &str) -> Result<Name, Failure> {
    let which = || {
        Failure::mistake(
            "which app is not clear: there is no manifest here",
            format!("`tidegate git {usage}`"),
        )
    };
    session.scope(ScopeArgs { app: typed, environment: None }).app.ok_or_else(which)
}
