//! `tidegate config`: the variables of an environment, and changing them at run time.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use tidegate_control::setting::{ConfigAct, ConfigChange};
use tidegate_core::model::{Name, RevisionNo};

use crate::cli::GlobalScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::glass::GlassArgs;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate config set LOG_LEVEL=debug -e staging\n  tidegate config set POOL=20 --service worker --why \"slow\"\n  \
                        tidegate config get\n  tidegate config diff r12\n  tidegate config rollback 3\n\n\
                        What is set here wins over `env:` of the manifest and env files until it is unset. Each change is a version, and a \
                        rollout of what serves with the same build. Passwords belong into `tidegate secret`."
)]
pub struct ConfigArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    scope: GlobalScopeArgs,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with variables.
#[derive(Debug, Subcommand)]
enum What {
    /// Set variables, and roll them out
    Set {
        /// Names and values
        #[arg(required = true, value_name = "NAME=VALUE")]
        variables: Vec<String>,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Show variables and where each is from
    Get {
        /// Only this one
        name: Option<String>,
    },
    /// Have variables be what was deployed again, and roll that out
    Unset {
        /// Their names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        #[command(flatten)]
        change: ChangeArgs,
    },
    /// Show what differs between a revision's settings and those that count now
    Diff {
        /// The revision, as r12 [default: the one that serves]
        revision: Option<RevisionNo>,
    },
    /// Have all that is set be as in a version, and roll it out
    Rollback {
        /// The version; 0: nothing is set
        version: u32,
        #[command(flatten)]
        change: ChangeArgs,
    },
}

/// Of every change.
#[derive(Debug, Args)]
struct ChangeArgs {
    /// For this service or job alone [default: all]
    #[arg(long, value_name = "SERVICE")]
    service: Option<Name>,
    /// Why, for the timeline
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    /// Only where this is still the newest version
    #[arg(long, value_name = "VERSION")]
    expect: Option<u32>,
    #[command(flatten)]
    glass: GlassArgs,
}

/// Asks and shows.
pub fn run(args: ConfigArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(args.scope.into());
    let json = args.json;
    let (act, change) = match args.what {
        What::Get { name } => {
            let mut view = session.wait(async { Ok(client.config(&scope).await?) })?;
            view.variables.retain(|variable| name.as_ref().is_none_or(|name| variable.name == *name));
            return if json { Out::new().json_pretty(&view) } else { Out::new().text(&print::config(&view)) };
        }
        What::Diff { revision } => {
            let diff = session.wait(async { Ok(client.config_diff(&scope, revision).await?) })?;
            let text = print::config_diff(&diff);
            return if json { Out::new().json_pretty(&diff) } else { Out::new().text(&text) };
        }
        What::Set { variables, change } => (ConfigAct::Set(pairs(&variables)?), change),
        What::Unset { names, change } => (ConfigAct::Unset(names), change),
        What::Rollback { version, change } => (ConfigAct::Rollback(version), change),
    };
    let asked = ConfigChange {
        service: change.service,
        act,
        expect: change.expect,
        by: who::asks(),
        why: change.why,
        break_glass: change.glass.why(),
    };
    let changed = session.wait(async { Ok(client.config_change(&scope, &asked).await?) })?;
    if json { Out::new().json_pretty(&changed) } else { Out::new().text(&print::setting_changed(&changed)) }
}

/// `NAME=VALUE` taken apart. What has no `=` is not quoted: it may be a value.
fn pairs(typed: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::mistake("a variable is written NAME=VALUE", "`tidegate config set LOG_LEVEL=debug`")
        })?;
        Ok((name.to_owned(), value.to_owned()))
    };
    typed.iter().map(pair).collect()
}
