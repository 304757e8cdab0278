//! `tidegate check`: every mistake in the manifest at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use tidegate_core::model::Name;

use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{Checked, Folder};
use crate::print::{self, Out};

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate check\n  tidegate check shop -e staging\n  \
                        tidegate explain manifest::unknown-key")]
pub struct CheckArgs {
    /// The app's folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Check what it says of this environment [default: the manifest's]
    #[arg(short, long, value_name = "ENV")]
    pub environment: Option<Name>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Checks, without a server.
pub fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let folder = Folder::open(&args.path)?;
    let checked = folder.check(args.environment.as_ref(), &BTreeMap::new())?;
    let sources = checked.sources_with(&folder);
    let Checked { manifest, diagnostics, flags, .. } = checked;
    let mut out = Out::new();
    if args.json.json {
        out.json_pretty(&diagnostics)?;
        return Ok(if manifest.is_some() { Exit::DONE } else { Exit::MISTAKE });
    }
    let Some(manifest) = manifest else {
        return Err(Failure::diagnostics(diagnostics, sources)
            .next("mend them; `tidegate explain CODE` says more about one"));
    };
    print::to_stderr(&print::diagnostics(&diagnostics, &sources));
    let environments: Vec<_> = manifest.environments().iter().map(ToString::to_string).collect();
    let environments =
        if environments.is_empty() { "any environment".to_owned() } else { environments.join(", ") };
    let flags = match flags.map(|flags| flags.flags.keys().count()) {
        None => String::new(),
        Some(1) => "; 1 flag".to_owned(),
        Some(many) => format!("; {many} flags"),
    };
    out.line(format_args!(
        "{}: no mistakes; app {}, {environments}{flags}",
        folder.source.file,
        manifest.app()
    ))
}
