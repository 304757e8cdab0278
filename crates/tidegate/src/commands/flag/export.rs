//! `tidegate flag export`: what is served, written back to Git as a patch of the files that define it; or as a flag file for
//! other tools to read.
//!
//! The folder's own files are changed in memory, read again as a whole, and shown as a patch only where they then say what is
//! meant. Nothing is written here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::Value;
use tidegate_config::flags::{Edited, edited};
use tidegate_config::{Manifest, Source};
use tidegate_core::model::{FlagKey, FlagState};
use tidegate_core::release::{WrittenBack, write_back};
use tidegate_core::view::FlagView;
use tidegate_os::clock;

use crate::cli::{JsonArgs, ScopeArgs};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{self, Checked, Folder, MANIFEST};
use crate::print::{self, Out};
use crate::session::Session;

/// As typed.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tidegate flag export                        the patch, to be looked at\n  \
                  tidegate flag export | git apply            in the app's folder\n  \
                  tidegate flag export --effective > flags.json\n\n\
                  Once the patch is committed and deployed, `tidegate release reset FLAG` changes nothing that anybody sees.\n\
                  What cannot be said in Git, as a schedule, a guard at work or an experiment, is named and left alone."
)]
pub struct ExportArgs {
    /// The app's folder: a checkout of what is deployed
    #[arg(short, long, value_name = "FOLDER", default_value = ".")]
    file: PathBuf,
    /// Write what the gateway serves instead, as a flag file
    #[arg(long, conflicts_with = "definitions")]
    effective: bool,
    /// Write what Git says instead, as a flag file
    #[arg(long)]
    definitions: bool,
    #[command(flatten)]
    scope: ScopeArgs,
    #[command(flatten)]
    json: JsonArgs,
}

/// The patch. Keys are a contract.
#[derive(Debug, Serialize)]
struct Patch {
    /// The folder its paths are relative to.
    path: String,
    diff: String,
    skipped: Vec<Skipped>,
}

/// A flag that is left alone.
#[derive(Debug, Serialize)]
struct Skipped {
    flag: FlagKey,
    why: String,
}

/// What is to change, by the file that defines it.
type Changes = BTreeMap<String, Vec<(FlagKey, WrittenBack)>>;

/// Asks what is served, and prints what is to be committed.
pub fn run(args: ExportArgs, session: &Session) -> Result<Exit, Failure> {
    let client = session.client()?;
    if args.effective || args.definitions {
        let scope = session.scope(args.scope);
        let set = session.wait(async { Ok(client.flag_set(&scope).await?) })?;
        return Out::new().json_pretty(if args.definitions { &set.definitions } else { &set.effective });
    }
    let folder = Folder::open(&args.file)?;
    let environment = args.scope.environment.clone();
    let checked = folder.checked(environment.as_ref(), &BTreeMap::new())?;
    let app = args.scope.app.or_else(|| checked.manifest.as_ref().map(|manifest| manifest.app().clone()));
    let scope = session.scope(ScopeArgs { app, environment });
    let list = session.wait(async { Ok(client.flags(&scope).await?) })?;
    let patch = patch(&folder, &checked, &list.flags)?;
    if args.json.json {
        return Out::new().json_pretty(&patch);
    }
    for Skipped { flag, why } in &patch.skipped {
        print::to_stderr(&format!("{flag} is left alone: {why}\n"));
    }
    if patch.diff.is_empty() {
        print::to_stderr("nothing is served that the files do not say\n");
    }
    Out::new().text(&patch.diff)
}

fn patch(folder: &Folder, checked: &Checked, served: &[FlagView]) -> Result<Patch, Failure> {
    let none = || {
        Failure::mistake(
            "the manifest defines no flags",
            "`tidegate flag export --effective` needs no folder",
        )
    };
    let (manifest, found) = checked.manifest.as_ref().zip(checked.flags.as_ref()).ok_or_else(none)?;
    let document = found.flags.json();
    let (mut changes, mut skipped) = (Changes::new(), Vec::new());
    for view in served.iter().filter(|view| view.run_time.version > 0) {
        let Some(state) = state_of(view) else { continue };
        let Some(origin) = found.flags.origin(&state.key) else {
            skipped.extend(undefined(view, &state));
            continue;
        };
        match write_back(&document, &state, view.run_time.experiment, clock::unix_ms()) {
            Ok(None) => {}
            Ok(Some(change)) => changes.entry(origin.file.clone()).or_default().push((state.key, change)),
            Err(why) => skipped.push(Skipped { flag: state.key, why: why.to_string() }),
        }
    }
    let files = Files::read(folder, manifest)?;
    let diff = files.diff(manifest, &document, changes, &mut skipped);
    skipped.sort_by(|one, other| one.flag.cmp(&other.flag));
    Ok(Patch { path: folder.path.display().to_string(), diff, skipped })
}

/// What is served of a flag, as the server tells it.
fn state_of(view: &FlagView) -> Option<FlagState> {
    let at = &view.run_time;
    let key: FlagKey = view.key.parse().ok()?;
    let waiting = at.waiting.as_ref().map(|waiting| tidegate_core::model::Waiting {
        serving: at.serving.clone(),
        guard: None,
        by: waiting.by.clone(),
        why: waiting.why.clone(),
        at_unix_ms: 0,
    });
    let (serving, guard, archived) = (at.serving.clone(), at.guard.clone(), at.archived);
    Some(FlagState { version: at.version, serving, guard, waiting, archived, ..FlagState::untouched(key) })
}

/// A flag that something is released of and these files do not define.
fn undefined(view: &FlagView, state: &FlagState) -> Option<Skipped> {
    let released =
        view.git.is_some() && state.serving != tidegate_core::model::Serving::Defined && !state.archived;
    released.then(|| Skipped { flag: state.key.clone(), why: "the files here do not define it".to_owned() })
}

/// The files that define flags, as they are.
struct Files {
    /// The manifest first.
    sources: Vec<Source>,
}

impl Files {
    fn read(folder: &Folder, manifest: &Manifest) -> Result<Self, Failure> {
        let snapshot =
            tidegate_control::snapshot::scan(&folder.path).map_err(|error| folder::cannot_take(&error))?;
        let mut sources = vec![folder.source.clone()];
        for entry in snapshot.entries.iter().filter(|entry| manifest.is_flag_file(&entry.path)) {
            let text = folder::read_small(&folder.path.join(&entry.path))?;
            sources.extend(text.map(|text| Source::new(entry.path.clone(), text)));
        }
        Ok(Files { sources })
    }

    /// The patch of all changes that can be made in place; the others are skipped.
    fn diff(
        &self,
        manifest: &Manifest,
        document: &Value,
        changes: Changes,
        skipped: &mut Vec<Skipped>,
    ) -> String {
        let mut diff = String::new();
        for (place, source) in self.sources.iter().enumerate() {
            let Some(changes) = changes.get(&source.file) else { continue };
            let path = if place == 0 { MANIFEST } else { source.file.as_str() };
            let made = self.made(manifest, document, (place, changes), skipped);
            diff.push_str(&made.map(|made| made.diff(path)).unwrap_or_default());
        }
        diff
    }

    /// One file with its changes; where they do not come out as meant together, with those that do alone.
    fn made(
        &self,
        manifest: &Manifest,
        document: &Value,
        (place, changes): (usize, &[(FlagKey, WrittenBack)]),
        skipped: &mut Vec<Skipped>,
    ) -> Option<Edited> {
        let try_all = |changes: &[(FlagKey, WrittenBack)]| {
            let made = edited(&self.sources[place], place == 0, changes);
            (made.left.is_empty() && self.means(manifest, document, (place, &made.text), changes))
                .then_some(made)
        };
        if let Some(made) = try_all(changes) {
            return Some(made);
        }
        let good = |change: &&(FlagKey, WrittenBack)| try_all(std::slice::from_ref(*change)).is_some();
        let (good, bad): (Vec<_>, Vec<_>) = changes.iter().partition(good);
        skipped.extend(bad.into_iter().map(|(flag, _)| Skipped {
            flag: flag.clone(),
            why: "it is not written so that it can be changed in place, as by an alias".to_owned(),
        }));
        try_all(&good.into_iter().cloned().collect::<Vec<_>>())
    }

    /// Whether all files with one of them changed say what is meant, and nothing else.
    fn means(
        &self,
        manifest: &Manifest,
        document: &Value,
        (place, text): (usize, &str),
        changes: &[(FlagKey, WrittenBack)],
    ) -> bool {
        let mut expected = document.clone();
        changes.iter().for_each(|(key, change)| expected["flags"][key.as_str()] = change.flag.clone());
        let mut sources = self.sources.clone();
        sources[place].text = text.to_owned();
        let loaded = if place == 0 { tidegate_config::load(&sources[0]).0 } else { None };
        let manifest = if place == 0 { loaded.as_ref() } else { Some(manifest) };
        let said = manifest.and_then(|manifest| manifest.flags(&sources[0], &sources[1..]).ok().flatten());
        said.is_some_and(|said| said.json() == expected)
    }
}
