//! `tidegate explain`: why a rollout ended as it did; or what an error code means.

use clap::Args;
use tidegate_core::model::RolloutId;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate explain                         the last rollout or deploy\n  \
                        tidegate explain 12                      rollout 12\n  \
                        tidegate explain manifest::unknown-key   what an error code means"
)]
pub struct ExplainArgs {
    /// A rollout's number, or the code of an error [default: the last one that did not succeed]
    #[arg(value_name = "ROLLOUT|CODE")]
    what: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// A code is explained here; a rollout by the server, which has the evidence.
pub fn run(args: ExplainArgs, session: &Session) -> Result<Exit, Failure> {
    let rollout = match args.what.as_deref() {
        None => None,
        Some(what) => match what.parse() {
            Ok(number) => Some(RolloutId(number)),
            Err(_) => return explain_code(what),
        },
    };
    let client = session.client()?;
    let scope = session.scope(args.scope);
    let explanation = session.wait(async { Ok(client.explain(&scope, rollout).await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&explanation);
    }
    Out::new().text(&print::explanation(&explanation))
}

fn explain_code(what: &str) -> Result<Exit, Failure> {
    let known = tidegate_config::codes().iter().find(|code| code.id == what);
    let Some(code) = known else {
        let message = format!("`{what}` is neither the number of a rollout nor a known code");
        return Err(Failure::mistake(
            message,
            "numbers are in `tidegate events`, codes in brackets in error messages",
        ));
    };
    let mut out = Out::new();
    out.line(code.id)?;
    out.text(&print::wrapped(code.explanation))
}
