//! `tidegate init`: a first manifest for the app in a folder. It never overwrites one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use tidegate_config::Source;
use tidegate_config::init::{FolderFacts, NAMES, scaffold};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::folder::{self, MANIFEST};
use crate::print::{self, Out};

/// As typed.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tidegate init\n  tidegate init shop --stdout")]
pub struct InitArgs {
    /// The app's folder
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Write it even where there is one: the one there is kept as tidegate.yaml.before
    #[arg(long)]
    pub force: bool,
    /// Print it instead of writing it
    #[arg(long, conflicts_with = "force")]
    pub stdout: bool,
}

/// Looks at the folder and writes the manifest.
pub fn run(args: &InitArgs) -> Result<Exit, Failure> {
    let made = scaffold(&facts(&args.path)?);
    if args.stdout {
        return Out::new().bytes(made.manifest.as_bytes());
    }
    let file = args.path.join(MANIFEST);
    if args.force {
        keep(&file)?;
    }
    write_new(&file, &made.manifest)?;
    for note in &made.notes {
        print::to_stderr(&format!("note: {note}\n"));
    }
    let mut out = Out::new();
    out.line(format_args!("wrote {}", file.display()))?;
    out.line("next: look at it, then `tidegate check` and `tidegate deploy --wait`")
}

fn facts(path: &Path) -> Result<FolderFacts, Failure> {
    if !path.is_dir() {
        let message = format!("{} is no folder", path.display());
        return Err(Failure::mistake(message, "name the app's folder: `tidegate init PATH`"));
    }
    let mut files = BTreeMap::new();
    for name in NAMES {
        let path = path.join(name);
        // A lock file may be large: then it is known by name alone.
        if path.is_file() {
            let text = folder::read_small(&path).ok().flatten().filter(|text| text.len() <= Source::LONGEST);
            files.insert((*name).to_owned(), text.unwrap_or_default());
        }
    }
    Ok(FolderFacts { folder_name: folder::own_name(path), files })
}

fn keep(file: &Path) -> Result<(), Failure> {
    let kept = file.with_extension("yaml.before");
    if !file.exists() {
        return Ok(());
    }
    if kept.exists() {
        let message = format!("{} is there already", kept.display());
        return Err(Failure::mistake(message, "remove it, then run the command again"));
    }
    std::fs::rename(file, kept).map_err(|error| cannot_write(file, &error))
}

fn write_new(file: &Path, text: &str) -> Result<(), Failure> {
    let opened = File::create_new(file);
    if opened.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::AlreadyExists) {
        let message = format!("{} is there already and is not overwritten", file.display());
        return Err(Failure::mistake(message, "look at what would be written with `tidegate init --stdout`"));
    }
    opened
        .and_then(|mut opened| opened.write_all(text.as_bytes()))
        .map_err(|error| cannot_write(file, &error))
}

fn cannot_write(file: &Path, error: &io::Error) -> Failure {
    let message = format!("cannot write {}: {error}", file.display());
    Failure::environment(message, "look at the folder's permissions, or use `tidegate init --stdout`")
}
