//! `tidegate approve`: agrees to a run that waits for consent.

use clap::Args;
use tidegate_api::wire::ApproveBody;
use tidegate_core::model::RunNo;

use super::pipeline;
use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate approve 12\n  tidegate approve 12 --why \"tried it on staging\" --wait\n\n\
                        `tidegate pipeline list` shows what waits. Whoever wrote or pushed the commit cannot agree to it.\n\
                        --break-glass has it go on without consent, windows and freezes: nobody may be left who could agree."
)]
pub struct ApproveArgs {
    /// The run
    run: u64,
    /// What you have to say to it, for the record
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    #[command(flatten)]
    glass: GlassArgs,
    /// Return when the run is over
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Agrees and shows the run.
pub fn run(args: ApproveArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let body = ApproveBody { by: who::asks(), why: args.why, break_glass: args.glass.taken() };
    session.wait(async {
        let view = client.run_approve(RunNo(args.run), &body).await?;
        pipeline::begun(&client, view, (args.wait, args.json.json)).await
    })
}
