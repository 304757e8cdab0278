//! `tidegate plan`: what a deploy would do.

use clap::Args;
use tidegate_control::PlanRequest;
use tidegate_control::snapshot::{scan, tree_digest};

use super::deploy::{self, FolderArgs};
use crate::cli::JsonArgs;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder;
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate plan\n  tidegate plan shop -e staging --env-file staging.env")]
pub struct PlanArgs {
    #[command(flatten)]
    folder: FolderArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// Looks at the folder, asks and shows. Nothing is changed.
pub fn run(args: PlanArgs, session: &Session) -> Result<Exit, Failure> {
    let folder = args.folder.open()?;
    let (deploy, checked) = deploy::request_of(&folder, &args.folder)?;
    let client = session.client()?;
    let snapshot = scan(&folder.path).map_err(|error| folder::cannot_take(&error))?;
    let digest =
        tree_digest(&snapshot.root, &snapshot.entries).map_err(|error| folder::cannot_take(&error))?;
    let request = PlanRequest {
        deploy,
        manifest_file: folder.manifest_file.to_owned(),
        manifest_text: folder.source.text.clone(),
        snapshot: digest,
        flags: checked.flags.map(|flags| flags.flags.document()),
    };
    let plan = session.wait(async { Ok(client.plan(&request).await?) })?;
    if args.json.json {
        return Out::new().json_pretty(&plan);
    }
    Out::new().text(&print::plan(&plan))
}
