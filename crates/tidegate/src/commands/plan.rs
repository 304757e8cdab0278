//! `tidegate plan`: what a deploy would do, of a folder as it is or of a commit.

use std::iter::successors;
use std::path::Path;

use clap::Args;
use tidegate_api::Client;
use tidegate_config::{Manifest, Source, load};
use tidegate_control::provenance::components;
use tidegate_control::snapshot::{Entry, every_file, scan, tree_digest};
use tidegate_control::{DeployRequest, PlanRequest};
use tidegate_core::model::{BuildSource, Name};
use tidegate_core::sbom::Component;
use tidegate_core::view::DependencyReport;

use super::deploy::{self, FolderArgs};
use crate::cli::JsonArgs;
use crate::commits;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{self, Folder};
use crate::print::{self, Out};
use crate::session::Session;

/// More packages are not asked about.
const MOST_PACKAGES: usize = 10_000;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate plan\n  tidegate plan shop -e staging --env-file staging.env\n  \
                        tidegate plan --commit main -e production    what promoting it would change, code included\n  \
                        tidegate plan --commit main --all            the same for every environment"
)]
pub struct PlanArgs {
    #[command(flatten)]
    folder: FolderArgs,
    /// Of this commit instead of the files as they are
    #[arg(long, value_name = "COMMIT")]
    commit: Option<String>,
    /// In every environment of the manifest, in the order in which a commit comes to them
    #[arg(long, conflicts_with = "environment")]
    all: bool,
    #[command(flatten)]
    json: JsonArgs,
}

/// Looks at the files, asks and shows. Nothing is changed.
pub fn run(args: PlanArgs, session: &Session) -> Result<Exit, Failure> {
    let (request, repository, packages) = match &args.commit {
        Some(commit) => of_commit(&args.folder, args.all, commit)?,
        None => of_folder(&args.folder, args.all, args.folder.open()?)?,
    };
    let client = session.client()?;
    let mut plans = Vec::new();
    let dependencies = session.wait(async { Ok(told_of(&client, packages).await) })?;
    for request in requests(request, args.all) {
        let mut plan = session.wait(async { Ok(client.plan(&request).await?) })?;
        plan.dependencies.clone_from(&dependencies);
        let BuildSource { commit, dirty } = request.deploy.source;
        if let (Some(from), Some(to), false) = (&plan.serving, commit, dirty) {
            plan.code = commits::between(&repository, from, &to);
        }
        plans.push(plan);
    }
    match plans.as_slice() {
        [plan] if args.json.json && !args.all => Out::new().json_pretty(plan),
        plans if args.json.json => Out::new().json_pretty(&plans),
        plans => Out::new().text(&plans.iter().map(print::plan).collect::<Vec<_>>().join("\n")),
    }
}

/// What is known to be wrong with the packages that lock files name; nothing where there are none. A plan does not fail for it.
async fn told_of(client: &Client, mut packages: Vec<Component>) -> Option<DependencyReport> {
    if packages.is_empty() {
        return None;
    }
    packages.truncate(MOST_PACKAGES);
    let count = packages.len();
    Some(client.advisories(packages).await.unwrap_or_else(|error| DependencyReport {
        packages: count,
        note: Some(format!("advisories could not be asked for: {error}")),
        ..DependencyReport::default()
    }))
}

/// The packages of lock files, without what nobody asks about here.
fn packages_of(folder: &Path, entries: &[Entry]) -> Vec<Component> {
    let (found, notes) = components(folder, entries);
    notes.iter().for_each(|note| print::to_stderr(&format!("note: {}\n", print::harmless(note))));
    let plain = |one: Component| Component { hashes: Vec::new(), licences: Vec::new(), ..one };
    found.into_iter().flat_map(|(_, components)| components).map(plain).collect()
}

/// One for each environment that is asked about.
fn requests(request: PlanRequest, all: bool) -> Vec<PlanRequest> {
    if !all {
        return vec![request];
    }
    let source = Source::new(request.manifest_file.clone(), request.manifest_text.clone());
    // What is wrong with it, the server says of the one request.
    let environments = load(&source).0.map(|manifest| in_order(&manifest)).unwrap_or_default();
    if environments.is_empty() {
        return vec![request];
    }
    let asked = |environment| {
        let deploy = DeployRequest { environment: Some(environment), ..request.deploy.clone() };
        PlanRequest { deploy, ..request.clone() }
    };
    environments.into_iter().map(asked).collect()
}

/// The environments of a manifest, each after the one it is promoted from. Those of branches are none yet.
fn in_order(manifest: &Manifest) -> Vec<Name> {
    let from = |name: &Name| manifest.policy(name).promote_from;
    let place = |name: &Name| successors(from(name), from).count();
    let mut names = manifest.environments();
    names.retain(|name| manifest.policy(name).preview.is_none());
    names.sort_by_key(|name| (place(name), name.clone()));
    names
}

/// What is asked, where the commits are, and the packages it uses.
type Planned = (PlanRequest, std::path::PathBuf, Vec<Component>);

/// What is asked of a folder, and the folder whose repository has its commits.
fn of_folder(args: &FolderArgs, all: bool, folder: Folder) -> Result<Planned, Failure> {
    let snapshot = scan(&folder.path).map_err(|error| folder::cannot_take(&error))?;
    let digest =
        tree_digest(&snapshot.root, &snapshot.entries).map_err(|error| folder::cannot_take(&error))?;
    let packages = packages_of(&snapshot.root, &snapshot.entries);
    let path = folder.path.clone();
    Ok((request_of(args, all, folder, digest)?, path, packages))
}

/// The same of the files a commit has in that folder, whatever is there now.
fn of_commit(args: &FolderArgs, all: bool, revision: &str) -> Result<Planned, Failure> {
    let path = if args.path.is_file() { args.path.parent().unwrap_or(Path::new(".")) } else { &args.path };
    let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
    let commit = commits::named(path, revision)?;
    let files = commits::files_of(path, &commit)?;
    let name = args.app.as_ref().map_or_else(|| folder::own_name(path), ToString::to_string);
    let folder = Folder { name, ..Folder::open(files.path())? };
    let entries = every_file(files.path()).map_err(|error| folder::cannot_take(&error))?;
    let digest = tree_digest(files.path(), &entries).map_err(|error| folder::cannot_take(&error))?;
    let mut request = request_of(args, all, folder, digest)?;
    request.deploy.source = BuildSource { commit: Some(commit), dirty: false };
    Ok((request, path.to_owned(), packages_of(files.path(), &entries)))
}

fn request_of(
    args: &FolderArgs,
    all: bool,
    folder: Folder,
    snapshot: String,
) -> Result<PlanRequest, Failure> {
    // Which of them is looked at first makes no difference: flags are the same everywhere.
    let first = all.then(|| folder.load().manifest).flatten();
    let first = first.and_then(|manifest| in_order(&manifest).into_iter().next());
    let args = FolderArgs { environment: first.or_else(|| args.environment.clone()), ..args.clone() };
    let (deploy, checked) = deploy::request_of(&folder, &args)?;
    Ok(PlanRequest {
        deploy,
        manifest_file: folder.manifest_file.to_owned(),
        manifest_text: folder.source.text,
        snapshot,
        flags: checked.flags.map(|flags| flags.flags.document()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_come_after_those_they_are_promoted_from() {
        let text = "app: a\nservices: { web: { run: x } }\nenvironments:\n  live: { promote_from: qa }\n  qa: { promote_from: test }\n  \
                    test: { branch: main }\n  eu: { promote_from: qa }\n  look: { branch: \"*\", preview: {} }\n";
        let manifest = load(&Source::new("tidegate.yaml", text)).0.unwrap();
        let names: Vec<String> = in_order(&manifest).iter().map(Name::to_string).collect();
        assert_eq!(names, ["test", "qa", "eu", "live"]);
    }
}
