//! `tidegate audit list`.

use clap::Args;
use tidegate_api::wire::AuditParams;
use tidegate_core::model::Name;
use tidegate_core::view::AuditPage;

use super::since;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;

/// The most entries of one question.
const PAGE: usize = 1_000;

/// As typed.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only since then: a span like 7d, or a moment like 2026-12-01T09:00:00Z
    #[arg(long, value_name = "WHEN", value_parser = since)]
    since: Option<u64>,
    /// Only of this one: a user, owner, token:NAME, tidegate, or as they called themselves
    #[arg(long, value_name = "WHO")]
    who: Option<String>,
    /// Only this action, like deploy, or this command, like "rollout abort"
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// Only in this app
    #[arg(short, long, value_name = "APP")]
    app: Option<Name>,
    /// Only in this environment
    #[arg(short, long, value_name = "ENV")]
    environment: Option<Name>,
    /// Only what was refused or failed
    #[arg(long)]
    refused: bool,
    /// Only those before this number: where an earlier list ended
    #[arg(long, value_name = "SEQ")]
    before: Option<u64>,
    /// How many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 50)]
    most: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Asks and shows.
pub fn run(args: ListArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let asked = AuditParams {
        since_ms: args.since.unwrap_or(0),
        who: args.who,
        action: args.action,
        app: args.app,
        environment: args.environment,
        refused: args.refused,
        before: args.before,
        most: 0,
    };
    let page = session.wait(async {
        let mut all = AuditPage { entries: Vec::new(), next: asked.before };
        // A page may be short, and still not the last one.
        loop {
            let most = (args.most - all.entries.len()).min(PAGE);
            if most == 0 {
                return Ok(all);
            }
            let page = client.audit_list(&AuditParams { before: all.next, most, ..asked.clone() }).await?;
            all.entries.extend(page.entries);
            all.next = page.next;
            if all.next.is_none() {
                return Ok(all);
            }
        }
    })?;
    if args.json { Out::new().json_pretty(&page) } else { Out::new().text(&print::audit(&page)) }
}
