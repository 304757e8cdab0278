//! `tidegate plan`: what a deploy would do, of a folder as it is or of a commit.

use std::path::Path;

use clap::Args;
use tidegate_control::PlanRequest;
use tidegate_control::snapshot::{every_file, scan, tree_digest};
use tidegate_core::model::BuildSource;

use super::deploy::{self, FolderArgs};
use crate::cli::JsonArgs;
use crate::commits;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate plan\n  tidegate plan shop -e staging --env-file staging.env\n  \
                        tidegate plan --commit main -e production    what promoting it would change, code included"
)]
pub struct PlanArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Of this commit instead of the files as they are
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    #[command(flatten)]
    json: JsonArgs,
}

/// Looks at the files, asks and shows. Nothing is changed.
pub fn run(args: PlanArgs, session: &Session) -> Result<Exit, Failure> {
    let (request, repository) = match &args.commit {
        Some(commit) => of_commit(&args.folder, commit)?,
        None => of_folder(&args.folder, args.folder.open()?)?,
    };
    let client = session.client()?;
    let mut plan = session.wait(async { Ok(client.plan(&request).await?) })?;
    let BuildSource { commit, dirty } = request.deploy.source;
    if let (Some(from), Some(to), false) = (&plan.serving, commit, dirty) {
        plan.code = commits::between(&repository, from, &to);
    }
    if args.json.json {
        return Out::new().json_pretty(&plan);
    }
    Out::new().text(&print::plan(&plan))
}

/// What is asked of a folder, and the folder whose repository has its commits.
fn of_folder(args: &FolderArgs, folder: Folder) -> Result<(PlanRequest, std::path::PathBuf), Failure> {
    let snapshot = scan(&folder.path).map_err(|error| folder::cannot_take(&error))?;
    let digest =
        tree_digest(&snapshot.root, &snapshot.entries).map_err(|error| folder::cannot_take(&error))?;
    let path = folder.path.clone();
    Ok((request_of(args, folder, digest)?, path))
}

/// The same of the files a commit has in that folder, whatever is there now.
fn of_commit(args: &FolderArgs, revision: &str) -> Result<(PlanRequest, std::path::PathBuf), Failure> {
    let path = if args.path.is_file() { args.path.parent().unwrap_or(Path::new(".")) } else { &args.path };
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let commit = commits::named(path, revision)?;
    let files = commits::files_of(path, &commit)?;
    let name = args.app.as_ref().map_or_else(|| folder::own_name(path), ToString::to_string);
    let folder = Folder { name, ..Folder::open(files.path())? };
    let entries = every_file(files.path()).map_err(|error| folder::cannot_take(&error))?;
    let digest = tree_digest(files.path(), &entries).map_err(|error| folder::cannot_take(&error))?;
    let mut request = request_of(args, folder, digest)?;
    request.deploy.source = BuildSource { commit: Some(commit), dirty: false };
    Ok((request, path.to_owned()))
}

fn request_of(args: &FolderArgs, folder: Folder, snapshot: String) -> Result<PlanRequest, Failure> {
    let (deploy, checked) = deploy::request_of(&folder, args)?;
    Ok(PlanRequest {
        deploy,
        manifest_file: folder.manifest_file.to_owned(),
        manifest_text: folder.source.text,
        snapshot,
        flags: checked.flags.map(|flags| flags.flags.document()),
    })
}
