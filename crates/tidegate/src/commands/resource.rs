//! `tidegate resource`: backing services by name. Which one it is, is a variable: another one takes its place by a rollout.

use clap::{Args, Subcommand};
use tidegate_control::setting::{ConfigAct, ConfigChange};
use tidegate_core::model::Name;

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
    after_help = "Examples:\n  tidegate resource list\n  tidegate resource attach cache 'redis://10.0.0.7/0'\n  \
                        tidegate resource swap db '${secret.db_url_new}'\n\n\
                        The resource `db` is the variable DB_URL: `resources:` of the manifest gives it, `attach` and `swap` set it at run \
                        time, `tidegate config unset DB_URL` gives it back. An address with a password belongs into `tidegate secret`."
)]
pub struct ResourceArgs {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    scope: GlobalScopeArgs,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

/// What to do with backing services.
#[derive(Debug, Subcommand)]
enum What {
    /// Show the variables that name backing services
    List,
    /// Give the app a backing service
    Attach(SetArgs),
    /// Have another one take the place of a backing service: a rollout, no build
    Swap(SetArgs),
}

#[derive(Debug, Args)]
struct SetArgs {
    /// Its name: `db` is the variable DB_URL
    name: Name,
    /// Its address, or a reference to it: '${secret.db_url}'
    url: String,
    /// Why, for the timeline
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    glass: GlassArgs,
}

/// Asks and shows.
pub fn run(args: ResourceArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(args.scope.into());
    let json = args.json;
    let set = match args.what {
        What::List => {
            let mut view = session.wait(async { Ok(client.config(&scope).await?) })?;
            view.variables.retain(|variable| variable.name.ends_with(URL));
            return if json { Out::new().json_pretty(&view) } else { Out::new().text(&print::config(&view)) };
        }
        What::Attach(set) | What::Swap(set) => set,
    };
    let asked = ConfigChange {
        service: None,
        act: ConfigAct::Set([(variable(&set.name), set.url)].into()),
        expect: None,
        by: who::asks(),
        why: set.why,
        break_glass: set.glass.why(),
    };
    let changed = session.wait(async { Ok(client.config_change(&scope, &asked).await?) })?;
    if json { Out::new().json_pretty(&changed) } else { Out::new().text(&print::setting_changed(&changed)) }
}

const URL: &str = "_URL";

fn variable(name: &Name) -> String {
    name.as_str().replace('-', "_").to_ascii_uppercase() + URL
}
