//! `tidegate flag list|show|history|archive`: flags as the server knows them.

use clap::Args;
use tidegate_control::FlagRef;
use tidegate_core::model::FlagKey;
use tidegate_core::release::{Asked, Order};

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// Of all flags.
#[derive(Debug, Args)]
pub struct AllArgs {
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Of one flag.
#[derive(Debug, Args)]
pub struct OneArgs {
    /// Which
    flag: FlagKey,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// What is archived, and why.
#[derive(Debug, Args)]
pub struct ArchiveArgs {
    #[command(flatten)]
    one: OneArgs,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Only if the flag is still at this version
    #[arg(long, value_name = "N")]
    expect_version: Option<u64>,
}

/// A line for each flag.
pub fn list(args: AllArgs, session: &Session) -> Result<Exit, Failure> {
    let (client, scope) = (session.client()?, session.scope(args.scope));
    let list = session.wait(async { Ok(client.flags(&scope).await?) })?;
    if args.json.json { Out::new().json_pretty(&list) } else { Out::new().text(&print::flags(&list.flags)) }
}

/// Everything about one flag.
pub fn show(args: OneArgs, session: &Session) -> Result<Exit, Failure> {
    let (client, flag) = (session.client()?, meant(args.flag, args.scope, session));
    let view = session.wait(async { Ok(client.flag(&flag).await?) })?;
    if args.json.json { Out::new().json_pretty(&view) } else { Out::new().text(&print::flag(&view)) }
}

/// Its releases.
pub fn history(args: OneArgs, session: &Session) -> Result<Exit, Failure> {
    let (client, flag) = (session.client()?, meant(args.flag, args.scope, session));
    let history = session.wait(async { Ok(client.flag_history(&flag).await?) })?;
    if args.json.json {
        Out::new().json_pretty(&history)
    } else {
        Out::new().text(&print::releases(&history))
    }
}

/// Nothing of it is served any more.
pub fn archive(args: ArchiveArgs, session: &Session) -> Result<Exit, Failure> {
    let ArchiveArgs { one, why, expect_version } = args;
    let (client, flag) = (session.client()?, meant(one.flag, one.scope, session));
    let asked = Asked { why, expect_version, ..Asked::new(Order::Archive, &who::asks()) };
    let view = session.wait(async { Ok(client.release(&flag, &asked).await?) })?;
    if one.json.json { Out::new().json_pretty(&view) } else { Out::new().text(&print::released(&view)) }
}

fn meant(flag: FlagKey, scope: ScopeArgs, session: &Session) -> FlagRef {
    FlagRef { scope: session.scope(scope), flag }
}
