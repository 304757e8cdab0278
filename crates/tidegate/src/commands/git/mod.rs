//! `tidegate git`: an app's repository on the server.

mod authorize;
mod url;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  git remote add tidegate \"$(tidegate git url)\"\n  git push tidegate HEAD:main\n\n\
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
}

/// Does what was typed.
pub fn run(args: GitArgs, session: &Session) -> Result<Exit, Failure> {
    match args.command {
        GitCommand::Url(args) => url::run(args, session),
        GitCommand::Authorize(args) => authorize::run(&args, session),
    }
}
