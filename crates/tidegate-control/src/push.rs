//! What a commit that comes to a branch begins: a run in each environment the branch goes to.
//!
//! Called for pushes to our own Git server, and for what is fetched from other hosts. It reads the commit's manifest and hands
//! over; how a run proceeds is not decided here.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use tidegate_config::{Diagnostic, Manifest, Source, load, load_procfile};
use tidegate_core::model::{Name, PushedRef, RunOrigin, RunSource};
use tidegate_core::view::PipelineRunView;

use crate::intake::MANIFESTS;
use crate::plane::{BeginRun, ControlPlane, Refusal, RefusalKind};
use crate::seams::Repositories;

/// What is kept of an author's name, and of the address, in characters.
const LONGEST_NAME: usize = 200;
/// What is kept of the first line of a commit's message, in characters.
const LONGEST_SUBJECT: usize = 500;

/// A branch that comes to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The app whose repository it is in.
    pub app: Name,
    /// The branch, by its short name.
    pub branch: String,
    /// The commit, by its full id. It is in the repository; the branch need not be there yet.
    pub commit: String,
    /// Who brought it: a name, not a proof.
    pub by: String,
    /// How it came.
    pub origin: RunOrigin,
    /// The branch where it is to move once the run has come so far; `None`: it has moved already.
    pub push: Option<PushedRef>,
}

/// What a commit has for a manifest.
#[derive(Clone, Debug)]
pub struct CommitManifest {
    /// Its file's name and text.
    pub source: Source,
    /// What it says; `None` where a diagnostic is an error.
    pub manifest: Option<Manifest>,
    /// Everything there is to tell of it.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a commit's manifest. `file` gives the text of one of its files, or `None`. `None`: the commit has no manifest.
///
/// # Errors
/// Those of `file`.
pub fn manifest_of(
    app: &Name,
    file: impl Fn(&str, u64) -> io::Result<Option<String>>,
) -> io::Result<Option<CommitManifest>> {
    for name in MANIFESTS {
        let Some(text) = file(name, Source::LONGEST as u64)? else { continue };
        let source = Source::new(name, text);
        let (manifest, diagnostics) =
            if name == "Procfile" { load_procfile(&source, app.as_str()) } else { load(&source) };
        return Ok(Some(CommitManifest { source, manifest, diagnostics }));
    }
    Ok(None)
}

/// Begins the runs of an arrival: none where the branch goes to no environment. Where one of several is refused, those begun
/// are ended again: all or nothing.
///
/// # Errors
/// The manifest's mistakes, the machine's trouble, or what the control plane says of a run.
pub fn begin(
    plane: &dyn ControlPlane,
    repositories: &dyn Repositories,
    data: &Path,
    arrival: &Arrival,
) -> Result<Vec<PipelineRunView>, Refusal> {
    begin_where(plane, repositories, data, arrival, &|_| Ok(true))
}

/// The same, of the environments that `wants` names: in the others it was begun before.
///
/// # Errors
/// As for [`begin`], and those of `wants`.
pub fn begin_where(
    plane: &dyn ControlPlane,
    repositories: &dyn Repositories,
    data: &Path,
    arrival: &Arrival,
    wants: &dyn Fn(&Name) -> Result<bool, Refusal>,
) -> Result<Vec<PipelineRunView>, Refusal> {
    let Some(environments) = environments_of(repositories, arrival)? else { return Ok(Vec::new()) };
    let source = source_of(repositories, arrival)?;
    let mut begun = Vec::new();
    for environment in environments {
        if !wants(&environment)? {
            continue;
        }
        let request = BeginRun {
            app: arrival.app.clone(),
            environment,
            source: source.clone(),
            push: arrival.push.clone(),
        };
        match begin_one(plane, repositories, data, request, &arrival.commit) {
            Ok(run) => begun.push(run),
            Err(refusal) => {
                for run in &begun {
                    // One that is over by itself meanwhile has nothing left to end.
                    let _ = plane.run_cancel(run.run, &arrival.by);
                }
                return Err(refusal);
            }
        }
    }
    Ok(begun)
}

/// `None`: the commit has no manifest.
fn environments_of(repositories: &dyn Repositories, arrival: &Arrival) -> Result<Option<Vec<Name>>, Refusal> {
    let file = |name: &str, most| repositories.file(&arrival.app, &arrival.commit, name, most);
    let found = manifest_of(&arrival.app, file).map_err(|error| unreadable(&error))?;
    let Some(CommitManifest { manifest, diagnostics, .. }) = found else { return Ok(None) };
    let Some(manifest) = manifest else {
        let refusal = Refusal::new(RefusalKind::Invalid, "manifest", "the commit's manifest has mistakes");
        return Err(Refusal { diagnostics, ..refusal }.help("`tidegate check` shows them in place"));
    };
    if *manifest.app() != arrival.app {
        return Err(of_another_app(manifest.app(), &arrival.app));
    }
    Ok(Some(manifest.environments_of(&arrival.branch)))
}

/// The refusal of a commit whose manifest is of another app than the repository.
pub fn of_another_app(manifest: &Name, repository: &Name) -> Refusal {
    let message = format!("the manifest is that of the app {manifest}, the repository that of {repository}");
    Refusal::new(RefusalKind::Invalid, "git::other-app", message)
        .help(format!("push to the URL of `tidegate git url {manifest}`, or change `app` in the manifest"))
}

fn source_of(repositories: &dyn Repositories, arrival: &Arrival) -> Result<RunSource, Refusal> {
    let log = repositories.log(&arrival.app, None, &arrival.commit, 1).map_err(|error| unreadable(&error))?;
    let commit = log.into_iter().next().unwrap_or_default();
    Ok(RunSource {
        commit: Some(arrival.commit.clone()),
        branch: Some(arrival.branch.clone()),
        author: cut(&commit.author, LONGEST_NAME),
        email: cut(&commit.email, LONGEST_NAME),
        subject: cut(&commit.subject, LONGEST_SUBJECT),
        by: arrival.by.clone(),
        origin: arrival.origin,
    })
}

/// What is kept of a text of a commit: Git has no limit for it, a run's row has one.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn begin_one(
    plane: &dyn ControlPlane,
    repositories: &dyn Repositories,
    data: &Path,
    request: BeginRun,
    commit: &str,
) -> Result<PipelineRunView, Refusal> {
    let snapshot = unused(data);
    repositories.archive(&request.app, commit, &snapshot).map_err(|error| unreadable(&error))?;
    plane.run_begin(request, snapshot)
}

/// A file for the snapshot that nobody else uses; what a kill leaves of it is cleared with the folder at the next start.
fn unused(data: &Path) -> PathBuf {
    static SERIAL: AtomicU64 = AtomicU64::new(0);
    let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
    data.join("spool").join(format!("commit-{}-{serial}.tar", std::process::id()))
}

fn unreadable(error: &io::Error) -> Refusal {
    let kind = match error.kind() {
        io::ErrorKind::FileTooLarge | io::ErrorKind::InvalidData => RefusalKind::Invalid,
        _ => RefusalKind::Environment,
    };
    Refusal::new(kind, "git::unreadable", format!("the commit cannot be read: {error}"))
        .help("see `tidegate doctor`, and what the control plane says on standard error")
}
