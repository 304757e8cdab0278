//! `tidegate param`: values that apps share.

use clap::{Args, Subcommand};
use tidegate_control::setting::{LabelParameter, SetParameter};
use tidegate_core::setting::{Label, ParameterPath};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate param set /shop/db/host db2.internal\n  tidegate param set /shop/db/host db3.internal --rollout\n  \
                        tidegate param list /shop\n  tidegate param label /shop/db/host live 2 --rollout\n\n\
                        A variable refers to one by ${param./shop/db/host}, or by ${param./shop/db/host:live} to the version with the label \
                        `live`. What refers to it gets a new value with its next deploy, or at once with --rollout. Parameters are no secrets."
)]
pub struct ParamArgs {
    #[command(subcommand)]
    what: What,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with parameters.
#[derive(Debug, Subcommand)]
enum What {
    /// Set a parameter
    Set {
        /// Its path
        path: ParameterPath,
        /// Its value
        #[arg(allow_hyphen_values = true)]
        value: String,
        /// Give this label to the new version
        #[arg(long, value_name = "LABEL")]
        label: Option<Label>,
        /// Why, for its history
        #[arg(long, value_name = "TEXT", default_value = "")]
        why: String,
        /// Roll out everything that refers to it
        #[arg(long)]
        rollout: bool,
        #[command(flatten)]
        glass: GlassArgs,
    },
    /// Print the value of a parameter
    Get {
        /// Its path
        path: ParameterPath,
    },
    /// Show parameters
    List {
        /// Only those below this path
        #[arg(default_value = "", value_name = "PATH")]
        under: String,
    },
    /// Show the versions of a parameter
    History {
        /// Its path
        path: ParameterPath,
    },
    /// Give a label to a version
    Label {
        /// Its path
        path: ParameterPath,
        /// The label
        label: Label,
        /// The version
        version: u32,
        /// Roll out everything that refers to the label
        #[arg(long)]
        rollout: bool,
        #[command(flatten)]
        glass: GlassArgs,
    },
}

/// Asks and shows.
pub fn run(args: ParamArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let (json, by) = (args.json, who::asks());
    let changed = match args.what {
        What::List { under } => {
            let list = session.wait(async { Ok(client.parameters(&under).await?) })?;
            return if json {
                Out::new().json_pretty(&list)
            } else {
                Out::new().text(&print::parameters(&list))
            };
        }
        What::History { path } => {
            let list = session.wait(async { Ok(client.parameter_history(&path).await?) })?;
            let text = print::parameter_history(&list);
            return if json { Out::new().json_pretty(&list) } else { Out::new().text(&text) };
        }
        What::Get { path } => {
            let list = session.wait(async { Ok(client.parameter_history(&path).await?) })?;
            let newest = list.parameters.first();
            return match newest {
                Some(newest) if json => Out::new().json_pretty(newest),
                Some(newest) => Out::new().line(&newest.value),
                None => {
                    Err(Failure::mistake(format!("there is no parameter {path}"), "`tidegate param list`"))
                }
            };
        }
        What::Set { path, value, label, why, rollout, glass } => {
            let break_glass = glass.why();
            let asked = SetParameter { path, value, label, rollout, by, why, break_glass };
            session.wait(async { Ok(client.parameter_set(&asked).await?) })?
        }
        What::Label { path, label, version, rollout, glass } => {
            let asked = LabelParameter { path, label, version, rollout, by, break_glass: glass.why() };
            session.wait(async { Ok(client.parameter_label(&asked).await?) })?
        }
    };
    if json { Out::new().json_pretty(&changed) } else { Out::new().text(&print::setting_changed(&changed)) }
}
