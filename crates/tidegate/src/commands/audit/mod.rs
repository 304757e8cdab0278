//! `tidegate audit`: who changed what and who was refused, and whether the log of it is whole.

mod anchor;
mod export;
mod list;
mod verify;

use clap::{Args, Subcommand};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate audit list --since 7d --refused\n  tidegate audit export -o audit.jsonl\n  \
                  tidegate audit verify --anchor audit.jsonl\n\n\
                  Keep an export, or its last line, where nobody can write who can write here: with it `verify` finds out when the \
                  end of the log was cut off."
)]
pub struct AuditArgs {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Show who changed what and who was refused, the newest first
    List(list::ListArgs),
    /// Write the log as JSON lines, with how far it has come at the end
    Export(export::ExportArgs),
    /// Say whether the log, or a file of it, is whole
    Verify(verify::VerifyArgs),
}

/// Does what was typed.
pub fn run(args: AuditArgs, session: &Session) -> Result<Exit, Failure> {
    match args.command {
        AuditCommand::List(args) => list::run(args, session),
        AuditCommand::Export(args) => export::run(&args, session),
        AuditCommand::Verify(args) => verify::run(&args, session),
    }
}

/// `7d`, or `2026-12-01T09:00:00Z`: milliseconds since the Unix epoch.
fn since(text: &str) -> Result<u64, String> {
    if let Some(at) = tidegate_core::release::moment(text) {
        return Ok(at);
    }
    let span: tidegate_core::time::Millis = text.parse().map_err(|_| {
        format!("`{text}` is neither a span, like 2h or 7d, nor a moment, like 2026-12-01T09:00:00Z")
    })?;
    Ok(now_ms().saturating_sub(span.0))
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
