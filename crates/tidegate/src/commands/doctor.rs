//! `tidegate doctor`: what the machine and the data directory can and cannot do.

use clap::Args;
use tidegate_core::view::Severity;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate doctor\n\nIt exits with 2 where something does not work; less than was \
                        asked for is a warning."
)]
pub struct DoctorArgs {
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and shows.
pub fn run(args: DoctorArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let report = session.wait(async { Ok(client.doctor().await?) })?;
    if args.json.json {
        Out::new().json_pretty(&report)?;
    } else {
        Out::new().text(&print::doctor(&report))?;
    }
    let broken = report.findings.iter().any(|finding| finding.severity == Severity::Error);
    Ok(if broken { Exit::ENVIRONMENT } else { Exit::DONE })
}
