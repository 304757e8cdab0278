//! How a deploy comes in: the upload is laid out and read by the API's thread, then entered by the control loop in one
//! transaction. Until then nothing has changed, and nothing is left behind where it is refused.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tidegate_config::{Diagnostic, Manifest, Resolved, Source, load, load_procfile};
use tidegate_core::event::Event;
use tidegate_core::model::{
    Build, BuildFlags, BuildId, BuildPhase, BuildSource, Deploy, DeployPhase, EnvironmentPolicy, Name,
    RevisionSpec,
};
use tidegate_core::units::ByteSize;
use tidegate_os::file;
use tidegate_store::{Counter, Reader};

use crate::access::Gate;
use crate::answer::{LEAST_FREE, store_trouble};
use crate::audit::deeds;
use crate::claim;
use crate::defined;
use crate::engine::{Time, World};
use crate::environment;
use crate::experiment;
use crate::handle::Handle;
use crate::plane::{BreakGlass, DeployRequest, Refusal, RefusalKind};
use crate::protection::{self, Change};
use crate::setting::pin::pinned;
use crate::snapshot::{self, Entry, FlagsRefused, FolderFlags, Limits, UnpackError, digest_of};
use crate::workshop::{DirWorkshop, remove_tree};

/// The manifest's largest size in bytes.
const MANIFEST_LARGEST: u64 = 1 << 20;
/// The manifests looked for, first one first.
pub const MANIFESTS: [&str; 3] = ["tidegate.yaml", "tidegate.yml", "Procfile"];

/// An upload laid out in a directory of its own, which is removed where the deploy is not entered.
#[derive(Debug)]
pub struct Staged {
    dir: Option<PathBuf>,
    digest: String,
    entries: Vec<Entry>,
    pub(crate) manifest: Source,
}

/// A deploy whose manifest is good.
#[derive(Debug)]
pub struct Accepted {
    /// The app.
    pub app: Name,
    /// The environment.
    pub environment: Name,
    /// What the revision will be.
    pub spec: RevisionSpec,
    /// The build it needs.
    pub build: BuildId,
    /// The build command.
    pub build_run: Option<String>,
    pub(crate) build_within_ms: u64,
    pub(crate) snapshot: String,
    pub(crate) staged: Option<Staged>,
    pub(crate) flags: Option<AcceptedFlags>,
    /// What its manifest says of the way into the environment.
    policy: Option<EnvironmentPolicy>,
}

/// What a good deploy has of flags.
#[derive(Debug)]
pub(crate) struct AcceptedFlags {
    /// What it defines, in flagd's format.
    pub(crate) document: Value,
    /// What its source mentions.
    pub(crate) mentioned: BuildFlags,
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(dir) = self.dir.take() {
            // Nothing more can be done about it; `tidegate up` clears the folder.
            let _ = remove_tree(&dir);
        }
    }
}

/// Lays an uploaded tar out and finds its manifest.
pub fn stage(data: &Path, upload: &Path) -> Result<Staged, Refusal> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let size = fs::metadata(upload).map_err(|error| disk_trouble(&error))?.len();
    check_space(data, size)?;
    let name = format!("{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let dir = data.join("staging").join(name);
    fs::create_dir_all(&dir).map_err(|error| disk_trouble(&error))?;
    let mut staged = Staged {
        dir: Some(dir.clone()),
        digest: String::new(),
        entries: Vec::new(),
        manifest: Source::new(String::new(), String::new()),
    };
    let archive = File::open(upload).map_err(|error| disk_trouble(&error))?;
    snapshot::unpack(archive, &dir, Limits::default()).map_err(unpack_trouble)?;
    let entries = snapshot::every_file(&dir)
        .map_err(|error| Refusal::new(RefusalKind::Environment, "deploy::unreadable", error.to_string()))?;
    staged.digest = snapshot::tree_digest(&dir, &entries).map_err(|error| disk_trouble(&error))?;
    staged.entries = entries;
    staged.manifest = manifest_in(&dir)?;
    Ok(staged)
}

/// Reads and checks its manifest, and what the folder has of flags.
pub fn accept(staged: Staged, request: &DeployRequest) -> Result<Accepted, Refusal> {
    let manifest = read_manifest(&staged.manifest, request)?;
    let resolved = resolve(&manifest, request)?;
    take(staged, &manifest, resolved)
}

/// The same of a manifest that was read and an environment of it.
pub(crate) fn take(staged: Staged, manifest: &Manifest, resolved: Resolved) -> Result<Accepted, Refusal> {
    let flags = match &staged.dir {
        Some(dir) => flags_of(dir, &staged, manifest)?,
        None => None,
    };
    let digest = staged.digest.clone();
    let policy = Some(manifest.policy(&resolved.environment));
    Ok(Accepted { flags, policy, ..Accepted::new(resolved, digest, Some(staged)) })
}

fn flags_of(dir: &Path, staged: &Staged, manifest: &Manifest) -> Result<Option<AcceptedFlags>, Refusal> {
    let found =
        snapshot::flags_of(dir, &staged.entries, manifest, &staged.manifest).map_err(
            |refused| match refused {
                FlagsRefused::Mistakes(diagnostics, _) => mistakes(diagnostics),
                FlagsRefused::Unreadable(file, error) => Refusal::new(
                    RefusalKind::Environment,
                    "deploy::unreadable",
                    format!("cannot read {file}: {error}"),
                ),
            },
        )?;
    let accepted = found.map(|FolderFlags { flags, mentioned, partly, .. }| {
        let document = serde_json::from_str(&flags.document()).map_err(|error| {
            Refusal::new(RefusalKind::Bug, "bug", format!("the flags' own text is no JSON: {error}"))
        })?;
        let mentioned = BuildFlags { keys: mentioned, partly: partly.is_some() };
        Ok(AcceptedFlags { document, mentioned })
    });
    accepted.transpose()
}

/// The manifest; every mistake at once where it is not good.
pub fn read_manifest(manifest: &Source, request: &DeployRequest) -> Result<Manifest, Refusal> {
    let (loaded, diagnostics) = if manifest.file.ends_with("Procfile") {
        load_procfile(manifest, &request.folder)
    } else {
        load(manifest)
    };
    loaded.ok_or_else(|| mistakes(diagnostics))
}

/// The manifest as the requested environment has it.
pub fn resolve(manifest: &Manifest, request: &DeployRequest) -> Result<Resolved, Refusal> {
    let environment = match &request.environment {
        Some(environment) => environment.clone(),
        None => manifest.default_environment().map_err(|diagnostic| mistakes(vec![*diagnostic]))?,
    };
    if manifest.policy(&environment).preview.is_some() {
        let message = format!("{environment} stands for environments of branches: nothing runs in it itself");
        return Err(Refusal::new(RefusalKind::Invalid, "environment::of-branches", message).help(
            "push a branch, `tidegate git url` says where to; `tidegate preview list` shows what there is",
        ));
    }
    complete(manifest.resolve(&environment, &request.env))
}

/// What a manifest says of an environment, with every token that is asked with.
pub(crate) fn complete(resolved: Result<Resolved, Vec<Diagnostic>>) -> Result<Resolved, Refusal> {
    let resolved = resolved.map_err(mistakes)?;
    let missing = resolved.missing_tokens();
    if missing.is_empty() { Ok(resolved) } else { Err(mistakes(missing)) }
}

impl Accepted {
    /// From a resolved manifest and the digest of the snapshot.
    pub fn new(resolved: Resolved, snapshot: String, staged: Option<Staged>) -> Self {
        let run = resolved.build_run.clone();
        // The input of a build: the files, the command, and the app whose directory they are built in.
        let parts =
            [snapshot.as_bytes(), run.as_deref().unwrap_or("").as_bytes(), resolved.app.as_str().as_bytes()];
        let build = BuildId(digest_of(&parts));
        Accepted {
            app: resolved.app,
            environment: resolved.environment,
            spec: RevisionSpec {
                build: build.clone(),
                services: resolved.services,
                routes: resolved.routes,
                migrate: resolved.migrate,
                jobs: resolved.jobs,
                trains: resolved.trains,
                settings: Default::default(),
            },
            build,
            build_run: run,
            build_within_ms: resolved.build_within.0,
            snapshot,
            staged,
            flags: None,
            policy: None,
        }
    }
}

impl Accepted {
    /// Refuses it where the environment takes nothing from a folder, and nobody says why it is to be done all the same.
    pub fn by_hand(&self, world: &mut World<'_>, time: Time, request: &DeployRequest) -> Result<(), Refusal> {
        let glass = request.break_glass.clone().map(|why| BreakGlass { by: request.by.clone(), why });
        let change = Change {
            place: (&self.app, &self.environment),
            what: "deploy a folder",
            brings: self.policy.as_ref(),
        };
        protection::guard(world.store, time, &change, glass.as_ref())
    }
}

/// Takes an upload in, where `gate` lets it pass; the number of its deploy.
pub(crate) fn by_upload(
    handle: &Handle,
    request: DeployRequest,
    upload: &Path,
    gate: &Gate,
) -> Result<u64, Refusal> {
    let staged = stage(handle.data(), upload);
    // The upload is the call's to remove, whatever became of it.
    let _ = fs::remove_file(upload);
    let accepted = staged.and_then(|staged| accept(staged, &request));
    let accepted = handle.without_secrets(accepted);
    let accepted = handle.or_noted(&deeds::deploy(&request, None, None), accepted)?;
    let protects = accepted.policy.as_ref().is_some_and(|policy| policy.protected);
    let deed = deeds::deploy(&request, Some(&accepted.app), Some(&accepted.environment));
    gate.pass(&accepted.app, &accepted.environment, protects)?;
    let data = handle.data().to_owned();
    handle.change(deed, move |world, time| {
        accepted.by_hand(world, time, &request)?;
        enter(world, time, &data, accepted, &request)
    })
}

/// Enters a deploy; its number.
pub fn enter(
    world: &mut World<'_>,
    time: Time,
    data: &Path,
    mut accepted: Accepted,
    request: &DeployRequest,
) -> Result<u64, Refusal> {
    environment::stays(world.store, (&accepted.app, &accepted.environment))?;
    no_route_of_others(world.store, &accepted)?;
    flags_can_be_in_force(world.store, &accepted)?;
    nothing_is_missing(world.store, &accepted)?;
    let known = world.store.build(&accepted.build).map_err(store_trouble)?;
    let build = build_to_make(known, &accepted, request, time);
    if let (Some(_), Some(staged)) = (&build, &mut accepted.staged) {
        keep_snapshot(data, staged).map_err(|error| disk_trouble(&error))?;
    }
    let from = origin_of(&request.source);
    let started = format!("deploy of {} to {} by {}{from}", accepted.app, accepted.environment, request.by);
    let id = world.store.transaction(|tx| {
        let id = tx.next_id(Counter::Deploy)?;
        tx.changes(None, Some(&format!("deploy {id}")));
        build.iter().try_for_each(|build| tx.put_build(build))?;
        if let Some(flags) = &accepted.flags {
            tx.put_build_flags(&accepted.build, &flags.mentioned)?;
        }
        tx.put_deploy(&Deploy {
            id,
            app: accepted.app.clone(),
            environment: accepted.environment.clone(),
            build: accepted.build.clone(),
            source: request.source.clone(),
            spec: accepted.spec.clone(),
            flags: accepted.flags.as_ref().map(|flags| flags.document.clone()),
            phase: DeployPhase::Building,
            revision: None,
            rollouts: Vec::new(),
            error: None,
            migration: None,
            smoke: false,
            by: request.by.clone(),
            created_at: time.now,
            made_at_unix_ms: time.unix_ms,
        })?;
        let event =
            Event::about(accepted.app.as_str(), accepted.environment.as_str(), "deploy.started", started);
        tx.event(&event, time.unix_ms)?;
        Ok(id)
    });
    id.map_err(store_trouble)
}

/// Every secret and parameter it refers to is set.
fn nothing_is_missing(store: &Reader, accepted: &Accepted) -> Result<(), Refusal> {
    let place = (&accepted.app, &accepted.environment);
    let pinned = pinned(store, place, &accepted.spec).map_err(store_trouble)?;
    pinned.problem(place).map_or(Ok(()), Err)
}

/// The commit, and whether the folder differed from it, in words. What a client says is cut to the length of a commit.
fn origin_of(source: &BuildSource) -> String {
    let Some(commit) = &source.commit else { return String::new() };
    let short: String = commit.chars().filter(char::is_ascii_hexdigit).take(12).collect();
    format!(" from commit {short}{}", if source.dirty { " and changes on top of it" } else { "" })
}

/// The build row to write: none where the build is there or being made.
fn build_to_make(
    known: Option<Build>,
    accepted: &Accepted,
    request: &DeployRequest,
    time: Time,
) -> Option<Build> {
    let making = known.is_some_and(|build| build.phase == BuildPhase::Ready || build.phase.is_unfinished());
    (!making).then(|| Build {
        id: accepted.build.clone(),
        app: accepted.app.clone(),
        snapshot: accepted.snapshot.clone(),
        run: accepted.build_run.clone(),
        within_ms: accepted.build_within_ms,
        phase: BuildPhase::Unpacking,
        content: None,
        size: 0,
        source: request.source.clone(),
        made_at_unix_ms: time.unix_ms,
    })
}

/// Moves what was laid out to where builds take it from.
pub(crate) fn keep_snapshot(data: &Path, staged: &mut Staged) -> io::Result<()> {
    let place = DirWorkshop::snapshot_dir(data, &staged.digest);
    if place.exists() {
        return Ok(());
    }
    if let Some(dir) = staged.dir.take() {
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::rename(&dir, &place).inspect_err(|_| staged.dir = Some(dir))?;
    }
    Ok(())
}

fn no_route_of_others(store: &Reader, accepted: &Accepted) -> Result<(), Refusal> {
    let taken = claim::taken(store, &accepted.app, &accepted.environment, &accepted.spec.routes);
    match taken.map_err(store_trouble)? {
        None => Ok(()),
        Some(message) => Err(Refusal::new(RefusalKind::Conflict, "deploy::route-taken", message)
            .help("give this environment a host or path of its own in `routes`")),
    }
}

/// A variant that is served stays defined, and the flags can be kept and served.
fn flags_can_be_in_force(store: &Reader, accepted: &Accepted) -> Result<(), Refusal> {
    let flags = accepted.flags.as_ref().map(|flags| &flags.document);
    let place = (&accepted.app, &accepted.environment);
    let definitions = defined::in_force(store, place, None, flags).map_err(store_trouble)?;
    if let Some(definitions) = &definitions {
        no_experiment_moved(store, place, &definitions.document)?;
    }
    let problem = definitions.map(|definitions| defined::in_the_way(store, &definitions)).transpose();
    match problem.map_err(store_trouble)?.flatten() {
        None => Ok(()),
        Some(problem) => {
            Err(Refusal::new(RefusalKind::Conflict, problem.code(), problem.to_string()).help(problem.help()))
        }
    }
}

/// Who gets which variant stays as it is while an experiment runs.
fn no_experiment_moved(
    store: &Reader,
    place: (&Name, &Name),
    document: &serde_json::Value,
) -> Result<(), Refusal> {
    let moved = experiment::moved(store, place, document).map_err(store_trouble)?;
    let Some(flag) = moved.first() else { return Ok(()) };
    let message = format!(
        "an experiment runs on {flag}, and this deploy deals its users out, or measures, in another way"
    );
    Err(Refusal::new(RefusalKind::Conflict, "deploy::experiment-runs", message)
        .help(format!("`tidegate experiment stop {flag}` first, or leave the flag as it is")))
}

fn manifest_in(dir: &Path) -> Result<Source, Refusal> {
    for name in MANIFESTS {
        let path = dir.join(name);
        match fs::metadata(&path) {
            Ok(meta) if meta.is_file() && meta.len() <= MANIFEST_LARGEST => {
                let text = fs::read_to_string(&path).map_err(|error| {
                    let message = format!("{name} cannot be read: {error}");
                    Refusal::new(RefusalKind::Invalid, "deploy::manifest-unreadable", message)
                })?;
                return Ok(Source::new(name, text));
            }
            Ok(_) => {
                let message = format!("{name} is not a file of at most {}", ByteSize(MANIFEST_LARGEST));
                return Err(Refusal::new(RefusalKind::Invalid, "deploy::manifest-unreadable", message));
            }
            Err(_) => {}
        }
    }
    let message = "there is neither a tidegate.yaml nor a Procfile in what was uploaded";
    Err(Refusal::new(RefusalKind::Invalid, "deploy::no-manifest", message).help("write one: `tidegate init`"))
}

/// Room for the upload laid out, a copy of it to build in, and what building adds.
fn check_space(data: &Path, upload: u64) -> Result<(), Refusal> {
    let free = file::free_bytes(data).map_err(|error| disk_trouble(&error))?;
    let needed = LEAST_FREE.min(free_floor(data)) + upload.saturating_mul(3);
    if free >= needed {
        return Ok(());
    }
    let message = format!(
        "only {} are free at {}, a deploy needs {}",
        ByteSize(free),
        data.display(),
        ByteSize(needed)
    );
    Err(Refusal::new(RefusalKind::Environment, "deploy::disk-full", message)
        .help("free some space and deploy again; what runs goes on meanwhile"))
}

/// On a very small disk the floor is a tenth of it, or nothing could ever be deployed there.
fn free_floor(data: &Path) -> u64 {
    file::total_bytes(data).map_or(u64::MAX, |total| total / 10)
}

pub(crate) fn disk_trouble(error: &io::Error) -> Refusal {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let code = if full { "deploy::disk-full" } else { "deploy::disk" };
    Refusal::new(RefusalKind::Environment, code, format!("the data directory cannot be written: {error}"))
        .help("see `tidegate doctor`; what runs goes on meanwhile")
}

fn unpack_trouble(error: UnpackError) -> Refusal {
    match error {
        UnpackError::Io(error) => disk_trouble(&error),
        error => Refusal::new(RefusalKind::Invalid, "deploy::snapshot-refused", error.to_string()),
    }
}

/// Not every mistake is the manifest's: flag files and calls for flags are read as well.
fn whose(diagnostics: &[Diagnostic]) -> &'static str {
    let of_manifest = |diagnostic: &&Diagnostic| !diagnostic.code.starts_with("flags::");
    if diagnostics.iter().filter(of_manifest).count() > 0 {
        "the manifest has"
    } else {
        "the app's flags have"
    }
}

fn mistakes(diagnostics: Vec<Diagnostic>) -> Refusal {
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let message = format!("{} {errors} mistake{}", whose(&diagnostics), if errors == 1 { "" } else { "s" });
    Refusal { diagnostics, ..Refusal::new(RefusalKind::Invalid, "manifest", message) }
        .help("`tidegate check` shows them in place")
}
