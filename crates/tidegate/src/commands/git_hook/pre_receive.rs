//! Before anything of a push is taken: only branches and tags, each pushed commit with a good manifest, and the history of what
//! is protected as it is. A push that is refused here leaves nothing behind.

use std::env;
use std::io::{self, BufRead};
use std::path::PathBuf;

use tidegate_api::wire::RefUpdate;
use tidegate_control::git::Repository;
use tidegate_control::push::{CommitManifest, manifest_of, of_another_app};
use tidegate_control::setting::tellable;
use tidegate_core::model::Name;

use super::{MOST_UPDATES, broken, update_of};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::print;

/// Far more than that many updates take.
const MOST_BYTES: u64 = 1 << 20;

/// Reads what is to move from standard input, and looks at each of it.
pub(super) fn run(app: &Name) -> Result<Exit, Failure> {
    let updates = read(io::stdin().lock())?;
    if updates.len() > MOST_UPDATES {
        let message = format!("{} branches and tags in one push: {MOST_UPDATES} are possible", updates.len());
        return Err(Failure::mistake(message, "push some of them, then the others"));
    }
    let repository = Repository::of_hook();
    let mut refused = 0;
    for update in &updates {
        if let Err(failure) = check(&repository, app, update) {
            failure.report();
            refused += 1;
        }
    }
    Ok(if refused == 0 { Exit::DONE } else { Exit::MISTAKE })
}

fn read(input: impl BufRead) -> Result<Vec<RefUpdate>, Failure> {
    let lines = input.take(MOST_BYTES).lines();
    lines.map(|line| line.ok().as_deref().and_then(update_of).ok_or_else(broken)).collect()
}

fn check(repository: &Repository, app: &Name, update: &RefUpdate) -> Result<(), Failure> {
    let Some(branch) = update.branch() else {
        return if update.name.starts_with("refs/tags/") { Ok(()) } else { Err(neither(&update.name)) };
    };
    keeps_history(repository, app, branch, update)?;
    if update.removes() {
        return Ok(());
    }
    let Some(found) = manifest_at(repository, app, &update.after)? else {
        print::to_stderr(&format!("the commit of {branch} has neither a tidegate.yaml nor a Procfile\n"));
        return Ok(());
    };
    let CommitManifest { source, manifest, diagnostics } = found;
    match manifest {
        None => {
            let (diagnostics, sources) = tellable(&data()?, diagnostics, source);
            let failure = Failure::diagnostics(diagnostics, sources);
            Err(failure.next(format!("mend them, commit, and push again; {branch} is where it was")))
        }
        Some(manifest) if manifest.app() != app => Err(of_another_app(manifest.app(), app).into()),
        Some(_) => {
            let (warnings, sources) = tellable(&data()?, diagnostics, source);
            print::to_stderr(&print::diagnostics(&warnings, &sources));
            Ok(())
        }
    }
}

/// The data directory: a hook is run in its repository, `git/APP.git`.
fn data() -> Result<PathBuf, Failure> {
    let repository = env::current_dir().map_err(unreadable)?;
    Ok(repository.ancestors().nth(2).unwrap_or(&repository).to_owned())
}

/// What is protected is told by the manifest that is there, not by the one that is pushed.
fn keeps_history(
    repository: &Repository,
    app: &Name,
    branch: &str,
    update: &RefUpdate,
) -> Result<(), Failure> {
    if update.creates() {
        return Ok(());
    }
    let goes_on =
        !update.removes() && repository.is_ancestor(&update.before, &update.after).map_err(unreadable)?;
    if goes_on {
        return Ok(());
    }
    let manifest = manifest_at(repository, app, &update.before)?.and_then(|found| found.manifest);
    let Some(manifest) = manifest else { return Ok(()) };
    let protected = |name: &Name| manifest.policy(name).protected;
    match manifest.environments_of(branch).into_iter().find(protected) {
        None => Ok(()),
        Some(environment) => {
            let what = if update.removes() { "removed" } else { "given another history" };
            let message = format!(
                "{branch} cannot be {what}: it goes to {environment}, which is protected [git::protected]"
            );
            Err(Failure::mistake(
                message,
                "push a commit on top of it, `git revert` makes one that takes another back",
            ))
        }
    }
}

fn manifest_at(repository: &Repository, app: &Name, commit: &str) -> Result<Option<CommitManifest>, Failure> {
    manifest_of(app, |name, most| repository.file(commit, name, most)).map_err(unreadable)
}

fn unreadable(error: io::Error) -> Failure {
    Failure::mistake(format!("the commit cannot be read: {error}"), "look at its manifest, and push again")
}

fn neither(name: &str) -> Failure {
    let message = format!("{name} is neither a branch nor a tag [git::other-ref]");
    Failure::mistake(message, "push to a branch, like `git push URL HEAD:main`")
}
