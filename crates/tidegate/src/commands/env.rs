//! `tidegate env`: environments as a whole.

use clap::{Args, Subcommand};
use tidegate_api::wire::RemoveBody;
use tidegate_core::model::Name;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
pub struct EnvArgs {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Take an environment down: stop all that runs in it, remove its routes, forget its revisions
    Remove(RemoveArgs),
}

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate env remove qa\n  tidegate env remove qa --app shop\n\n\
                        Instances finish their requests first. What it did stays in `tidegate events` and `tidegate pipeline list`; \
                        the next deploy makes it anew.")]
struct RemoveArgs {
    /// Which
    environment: Name,
    /// Its app [default: the one in this folder, or the only one]
    #[arg(long, value_name = "APP")]
    app: Option<Name>,
    #[command(flatten)]
    glass: GlassArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Does what was typed.
pub fn run(args: EnvArgs, session: &Session) -> Result<Exit, Failure> {
    let What::Remove(args) = args.what;
    let client = session.client()?;
    let scope = session.scope(ScopeArgs { app: args.app, environment: None });
    let body = RemoveBody { by: who::asks(), break_glass: args.glass.taken() };
    let left =
        session.wait(async { Ok(client.environment_remove(scope.app, &args.environment, &body).await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&left);
    }
    Out::new().text(&print::leaving(&left))
}
