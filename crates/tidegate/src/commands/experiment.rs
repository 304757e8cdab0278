//! `tidegate experiment`: what variants of flags lead to.

use clap::{Args, Subcommand};
use tidegate_core::model::FlagKey;

use crate::cli::GlobalScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate experiment list\n  tidegate experiment show one-click\n  \
                        tidegate experiment stop one-click --why \"we keep it\"")]
pub struct ExperimentArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    scope: GlobalScopeArgs,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with experiments.
#[derive(Debug, Subcommand)]
enum What {
    /// Show all experiments, the newest first
    List,
    /// Show what an experiment has found
    Show {
        /// Of which flag
        flag: FlagKey,
    },
    /// End an experiment: its figures are kept, its users forgotten
    Stop {
        /// Of which flag
        flag: FlagKey,
        /// Why, for the timeline
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
    },
}

/// Asks and shows.
pub fn run(args: ExperimentArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(args.scope.into());
    session.wait(async {
        let view = match args.what {
            What::List => {
                let list = client.experiments(&scope).await?;
                return if args.json {
                    Out::new().json_line(&list)
                } else {
                    Out::new().text(&print::experiments(&list))
                };
            }
            What::Show { flag } => client.experiment(&scope, &flag).await?,
            What::Stop { flag, why } => client.experiment_stop(&scope, &flag, &who::asks(), why).await?,
        };
        if args.json { Out::new().json_line(&view) } else { Out::new().text(&print::experiment(&view)) }
    })
}
