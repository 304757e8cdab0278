//! The app in a folder: its manifest, read and checked, and the env files that go with a deploy.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tidegate_config::flags::partly_read;
use tidegate_config::{Diagnostic, Manifest, Source};
use tidegate_control::snapshot::{FlagsRefused, FolderFlags, flags_of, scan};
use tidegate_core::model::Name;
use tidegate_os::clock;

use crate::failure::Failure;

/// The manifest's name.
pub const MANIFEST: &str = "tidegate.yaml";
/// What is read where there is no manifest.
pub const PROCFILE: &str = "Procfile";

/// A folder with a manifest.
#[derive(Debug)]
pub struct Folder {
    /// The folder.
    pub path: PathBuf,
    /// Its own name: the app's where only a Procfile is there.
    pub name: String,
    /// `tidegate.yaml` or `Procfile`.
    pub manifest_file: &'static str,
    /// The manifest with the name it is shown by.
    pub source: Source,
}

/// A checked manifest.
#[derive(Debug)]
pub struct Checked {
    /// The manifest; `None` where a diagnostic is an error.
    pub manifest: Option<Manifest>,
    /// Everything there is to tell, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// The files it is about, besides the manifest.
    pub sources: Vec<Source>,
    /// What the folder has of flags; `None` where the manifest says nothing of them, or something is wrong.
    pub flags: Option<FolderFlags>,
}

impl Folder {
    /// Finds the manifest in a folder; a path to the manifest itself does as well.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let folder = if path.is_file() { path.parent().unwrap_or(path) } else { path };
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        for manifest_file in [MANIFEST, PROCFILE] {
            let file = folder.join(manifest_file);
            if let Some(text) = read_small(&file)? {
                let source = Source::new(shown(&file), text);
                return Ok(Folder { path: folder.to_owned(), name: own_name(folder), manifest_file, source });
            }
        }
        let message = format!("there is no {MANIFEST} and no {PROCFILE} in {}", folder.display());
        Err(Failure::mistake(message, format!("write one with `tidegate init {}`", folder.display())))
    }

    /// Reads the manifest.
    pub fn load(&self) -> Checked {
        let (manifest, diagnostics) = match self.manifest_file {
            PROCFILE => tidegate_config::load_procfile(&self.source, &self.name),
            _ => tidegate_config::load(&self.source),
        };
        Checked { manifest, diagnostics, sources: Vec::new(), flags: None }
    }

    /// Reads the manifest and what it says of an environment (`None`: its default one): everything a deploy would be
    /// refused for.
    pub fn check(
        &self,
        environment: Option<&Name>,
        env: &BTreeMap<String, String>,
    ) -> Result<Checked, Failure> {
        let mut checked = self.load();
        let Some(manifest) = &checked.manifest else { return Ok(checked) };
        let environment = environment.cloned().map_or_else(|| manifest.default_environment(), Ok);
        let more = match environment {
            Ok(environment) => manifest.resolve(&environment, env).err().unwrap_or_default(),
            Err(which) => vec![*which],
        };
        checked.diagnostics.extend(more);
        self.check_flags(&mut checked)?;
        if checked.diagnostics.iter().any(Diagnostic::is_error) {
            checked.manifest = None;
        }
        Ok(checked)
    }

    /// Reads the flag files and looks through the source, where the manifest says anything of flags.
    fn check_flags(&self, checked: &mut Checked) -> Result<(), Failure> {
        let Some(manifest) = checked.manifest.as_ref().filter(|manifest| manifest.uses_flags()) else {
            return Ok(());
        };
        let snapshot = scan(&self.path).map_err(|error| cannot_take(&error))?;
        match flags_of(&self.path, &snapshot.entries, manifest, &self.source) {
            Ok(flags) => {
                let now_unix_s = (clock::unix_ms() / 1_000).cast_signed();
                let expired = flags.iter().flat_map(|flags| flags.flags.expired(now_unix_s));
                checked.diagnostics.extend(expired);
                let unreached = flags.iter().flat_map(|flags| flags.flags.unreached());
                checked.diagnostics.extend(unreached);
                let partly = flags.iter().filter_map(|flags| flags.partly.as_deref());
                checked.diagnostics.extend(partly.map(|why| partly_read(&self.source.file, why)));
                if let Some(flags) = &flags {
                    checked.diagnostics.extend(flags.warnings.iter().cloned());
                    checked.sources.extend(flags.sources.iter().cloned());
                }
                checked.flags = flags;
            }
            Err(FlagsRefused::Mistakes(mistakes, sources)) => {
                checked.diagnostics.extend(mistakes);
                checked.sources = sources;
            }
            Err(FlagsRefused::Unreadable(file, error)) => {
                return Err(cannot_take(&format!("{file}: {error}")));
            }
        }
        Ok(())
    }

    /// The same where only a manifest without mistakes will do. Warnings go to standard error.
    pub fn checked(
        &self,
        environment: Option<&Name>,
        env: &BTreeMap<String, String>,
    ) -> Result<Checked, Failure> {
        let checked = self.check(environment, env)?;
        let sources = checked.sources_with(self);
        let Checked { manifest, diagnostics, .. } = &checked;
        match manifest {
            Some(_) => {
                crate::print::to_stderr(&crate::print::diagnostics(diagnostics, &sources));
                Ok(checked)
            }
            None => Err(Failure::diagnostics(checked.diagnostics, sources)),
        }
    }
}

impl Checked {
    /// Every file that diagnostics may be about.
    pub fn sources_with(&self, folder: &Folder) -> Vec<Source> {
        std::iter::once(&folder.source).chain(&self.sources).cloned().collect()
    }
}

/// A folder whose files cannot be read.
pub fn cannot_take(error: &impl Display) -> Failure {
    Failure::mistake(format!("cannot take the folder: {error}"), "look at the file, or name it in .gitignore")
}

/// The app of a folder's manifest, where there is one that can be read.
pub fn app_of(folder: &Path) -> Option<Name> {
    Folder::open(folder).ok()?.load().manifest.map(|manifest| manifest.app().clone())
}

/// Env files merged, later ones win. Their values are in no message.
pub fn read_env_files(files: &[PathBuf]) -> Result<BTreeMap<String, String>, Failure> {
    let mut variables = BTreeMap::new();
    for path in files {
        let absent = || {
            Failure::mistake(format!("there is no file {}", path.display()), "name another with --env-file")
        };
        let source = Source::new(shown(path), read_small(path)?.ok_or_else(absent)?);
        let redacted = || vec![source.redacted_env_file()];
        let parsed =
            tidegate_config::parse_env_file(&source).map_err(|d| Failure::diagnostics(d, redacted()))?;
        variables.extend(parsed);
    }
    Ok(variables)
}

/// A file's text; `None` where there is no such file. One byte over the limit is read, so that the reader sees it is too
/// large.
pub fn read_small(path: &Path) -> Result<Option<String>, Failure> {
    let failed = |error: io::Error| {
        Failure::environment(
            format!("cannot read {}: {error}", path.display()),
            "look at the file and its permissions",
        )
    };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    file.take(Source::LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Failure::mistake(format!("{} is not UTF-8", path.display()), "save it as UTF-8")),
    }
}

/// The folder's own name, also of `.`.
pub fn own_name(folder: &Path) -> String {
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    absolute.file_name().map_or_else(|| "app".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn shown(path: &Path) -> String {
    path.strip_prefix("./").unwrap_or(path).display().to_string()
}
