//! `tidegate flag debt`: flags that are left over, and which branch of the code can go.

use clap::Args;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate flag debt\n  tidegate flag debt --days 14 --json | jq -r '.debts[].key'"
)]
pub struct DebtArgs {
    /// After so many days of the same for everybody a flag is left over [default: 30]
    #[arg(long, value_name = "N")]
    days: Option<u64>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and prints.
pub fn run(args: DebtArgs, session: &Session) -> Result<Exit, Failure> {
    let (client, scope) = (session.client()?, session.scope(args.scope));
    let debt = session.wait(async { Ok(client.flag_debt(&scope, args.days).await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&debt);
    }
    Out::new().text(&print::flag_debt(&debt))
}
