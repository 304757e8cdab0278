//! `tidegate preview`: environments that were made for branches.

use clap::{Args, Subcommand};
use tidegate_api::wire::RemoveBody;
use tidegate_control::Scope;
use tidegate_core::model::Name;
use tidegate_core::view::PreviewView;

use crate::cli::ScopeArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print::{self, Out};
use crate::session::Session;
use crate::who;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate preview list\n  tidegate preview stop preview-login\n  \
                        tidegate preview stop feature/login\n\n\
                        Pushing a branch of an environment with `preview` makes one; pushing it again brings one back.")]
pub struct PreviewArgs {
    #[command(subcommand)]
    what: What,
    /// The app [default: the one in this folder, or all]
    #[arg(long, global = true, value_name = "APP")]
    app: Option<Name>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show those there are, where they are found and when they go
    List,
    /// Take one down. Its branch stays
    Stop {
        /// Its environment or its branch
        name: String,
    },
}

/// Does what was typed.
pub fn run(args: PreviewArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    let scope = session.scope(ScopeArgs { app: args.app, environment: None });
    session.wait(async {
        let list = client.previews(&scope).await?;
        let mut out = Out::new();
        match args.what {
            What::List if args.json => out.json_pretty(&list),
            What::List => out.text(&print::previews(&list)),
            What::Stop { name } => {
                let (scope, environment) = meant(&list.previews, &name)?;
                let body = RemoveBody { by: who::asks(), break_glass: None };
                let left = client.environment_remove(scope.app, &environment, &body).await?;
                if args.json { out.json_pretty(&left) } else { out.text(&print::leaving(&left)) }
            }
        }
    })
}

/// The one that goes by a name.
fn meant(previews: &[PreviewView], name: &str) -> Result<(Scope, Name), Failure> {
    let named: Vec<&PreviewView> =
        previews.iter().filter(|preview| preview.environment == name || preview.branch == name).collect();
    match named.as_slice() {
        [only] => {
            let place = only.app.parse().ok().zip(only.environment.parse().ok());
            let (app, environment) = place.ok_or_else(|| Failure::bug("a preview has no proper name"))?;
            Ok((Scope { app: Some(app), environment: None }, environment))
        }
        [] => Err(Failure::mistake(
            format!("there is no preview `{name}` [preview::unknown]"),
            "`tidegate preview list` lists them",
        )),
        several => {
            let names: Vec<String> =
                several.iter().map(|one| format!("{} of {}", one.environment, one.app)).collect();
            Err(Failure::mistake(
                format!("`{name}` is {} [preview::ambiguous]", names.join(" and ")),
                "say which: its environment, and `--app APP`",
            ))
        }
    }
}
