//! `tidegate promote`: carries the build that runs in one environment on to another.

use clap::Args;
use tidegate_core::model::Name;

use super::pipeline;
use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate promote production              from the environment it is promoted from\n  \
                        tidegate promote -e staging production --wait\n\n\
                        The same build goes on: nothing is built again. It is a run of its own, which waits where the \
                        environment asks for consent or is not open."
)]
pub struct PromoteArgs {
    /// The environment the build goes to
    #[arg(value_name = "TO")]
    to: Name,
    /// Return when the run is over
    #[arg(long)]
    wait: bool,
    /// The app [default: the one in this folder, or the only one]
    #[arg(long, value_name = "APP")]
    app: Option<Name>,
    /// The environment the build comes from [default: the manifest's `promote_from`]
    #[arg(short, long, value_name = "FROM")]
    environment: Option<Name>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and shows the run.
pub fn run(args: PromoteArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(ScopeArgs { app: args.app, environment: args.environment });
    session.wait(async {
        let begun = client.promote(&scope, &args.to, &who::asks()).await?;
        pipeline::begun(&client, begun, (args.wait, args.json.json)).await
    })
}
