//! `tidegate explain`: why a rollout ended as it did; or what an error code or a mark of the gateway means.

use clap::Args;
use tidegate_core::model::RolloutId;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::marks;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate explain                         the last rollout or deploy\n  \
                        tidegate explain 12                      rollout 12\n  \
                        tidegate explain manifest::unknown-key   what an error code means\n  \
                        tidegate explain no-endpoint             what `tidegate-gateway: no-endpoint` on an answer means"
)]
pub struct ExplainArgs {
    /// A rollout's number, the code of an error, or a mark of the gateway [default: the last one that did not succeed]
    #[arg(value_name = "ROLLOUT|CODE|MARK")]
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
    let of_file = tidegate_config::codes().iter().find(|code| code.id == what).map(|code| code.explanation);
    let code =
        of_file.or_else(|| tidegate_control::codes().find(|(code, _)| *code == what).map(|(_, text)| *text));
    let Some(explanation) = code.or_else(|| marks::explanation(what)) else {
        let message = format!("`{what}` is neither the number of a rollout nor a known code or mark");
        return Err(Failure::mistake(
            message,
            "numbers are in `tidegate events`, codes in brackets in error messages, marks in the header \
             `tidegate-gateway` of answers",
        ));
    };
    let mut out = Out::new();
    out.line(what)?;
    out.text(&print::wrapped(explanation))
}
