//! `tidegate pipeline run`: the pipeline of a folder on the machine of whoever types.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use tidegate_control::snapshot::source_of;
use tidegate_core::model::Name;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{Folder, read_env_files};
use crate::local::{self, Setting};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate pipeline run\n  tidegate pipeline run --step unit --shell-on-fail\n  \
                        tidegate pipeline run --env-file .env.test\n\n\
                        Each step runs in a copy of the folder (what Git ignores is not in it) after its build, with the \
                        variables of the step alone. What needs a server is left out and named. It exits with 1 where a \
                        step failed."
)]
pub struct RunArgs {
    /// The app's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Run this step alone, after the build: its name, STAGE/NAME, or all of a stage
    #[arg(long, value_name = "STEP")]
    step: Option<String>,
    /// Open a shell in the workspace of a step that failed
    #[arg(long)]
    shell_on_fail: bool,
    /// A file with the values of secrets; may be given several times. Else they are taken from the environment
    #[arg(long, value_name = "FILE")]
    env_file: Vec<PathBuf>,
}

/// Runs it. Ctrl-C ends everything it started.
pub fn run(args: RunArgs, asked: Option<Name>, session: &Session) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.path)?;
    let checked = folder.checked(asked.as_ref(), &BTreeMap::new())?;
    let Some(manifest) = checked.manifest else {
        return Err(Failure::bug("a checked folder has no manifest"));
    };
    let environment = match asked {
        Some(environment) => environment,
        None => {
            manifest.default_environment().map_err(|which| Failure::diagnostics(vec![*which], Vec::new()))?
        }
    };
    let pipeline = manifest.pipeline(&environment);
    let resolved = manifest.resolve(&environment, &BTreeMap::new());
    let build =
        resolved.ok().and_then(|resolved| Some((resolved.build_run?, resolved.build_within.to_std())));
    let mut secrets = local::own_variables();
    secrets.extend(read_env_files(&args.env_file)?);
    let setting = Setting {
        app: manifest.app().clone(),
        environment,
        branch: local::branch_of(&folder.path),
        commit: source_of(&folder.path).commit,
        folder: folder.path,
        build,
        only: args.step,
        shell_on_fail: args.shell_on_fail,
        secrets,
    };
    setting.check(&pipeline)?;
    session.wait(async {
        tokio::select! {
            ended = local::run(&pipeline, setting) => ended,
            _ = tokio::signal::ctrl_c() => Ok(Exit(130)),
        }
    })
}
