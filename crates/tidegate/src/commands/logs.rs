//! `tidegate logs`: what services wrote.

use clap::Args;
use tidegate_control::LogQuery;
use tidegate_core::model::{InstanceId, Name};
use tidegate_core::view::LogLine;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::Out;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate logs web -n 50\n  tidegate logs -f\n  tidegate logs --unit web-17"
)]
pub struct LogsArgs {
    /// Of this service [default: of all services]
    service: Option<Name>,
    /// Go on with what is written next
    #[arg(short, long)]
    follow: bool,
    /// How many of the last lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=2_000))]
    lines: u32,
    /// Of this instance, build or job
    #[arg(long, value_name = "ID", conflicts_with = "service")]
    unit: Option<String>,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Asks and prints; with `-f` until it is stopped.
pub fn run(args: LogsArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let query = LogQuery {
        scope: session.scope(args.scope),
        service: args.service,
        unit: args.unit.map(InstanceId),
        cursor: None,
        most: args.lines as usize,
    };
    session.wait(async {
        let mut pages = client.logs(query, args.follow).await?;
        while let Some(page) = pages.next().await? {
            let mut out = Out::new();
            page.lines.iter().try_for_each(|line| print(&mut out, line, args.json.json))?;
        }
        Ok(Exit::DONE)
    })
}

fn print(out: &mut Out, line: &LogLine, json: bool) -> Result<(), Failure> {
    let printed =
        if json { out.json_line(line) } else { out.line(format_args!("{} | {}", line.instance, line.line)) };
    printed.map(drop)
}
