//! `tidegate rollback`: goes back to an earlier revision in one swap.

use clap::Args;
use tidegate_api::wire::RollbackBody;
use tidegate_core::model::{Name, RevisionNo};

use super::rollout;
use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate rollback web        the stable revision before this one, or out of a rollout\n  \
                        tidegate rollback web r3"
)]
pub struct RollbackArgs {
    /// Whose
    service: Name,
    /// The revision to go back to [default: the stable one before]
    revision: Option<RevisionNo>,
    #[command(flatten)]
    glass: GlassArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and shows the rollout that goes back.
pub fn run(args: RollbackArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let service = session.service(args.scope, args.service);
    let body = RollbackBody { to: args.revision, break_glass: args.glass.taken() };
    let view = session.wait(async { Ok(client.rollback(&service, &body).await?) })?;
    rollout::show(&view, args.json.json)
}
