//! The flags of a folder: its flag files read, and its source looked through for flags it mentions.
//!
//! The command line calls it for `check` and `plan`, the intake when a deploy comes in. An app whose manifest says nothing of
//! flags is not looked at.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tidegate_config::flags::{MOST_FLAG_FILES, undefined, unreadable};
use tidegate_config::{Diagnostic, Flags, Manifest, Severity, Source};
use tidegate_core::model::FlagKey;
use tidegate_flags::mention::{Keys, Language, mentions};

use super::scan::{Entry, EntryKind};

/// How much source is looked through.
#[derive(Clone, Copy)]
struct Most {
    /// Bytes of a file.
    file: u64,
    /// Text files.
    files: usize,
    /// Bytes of all together.
    bytes: u64,
}

const MOST: Most = Most { file: 8 << 20, files: 100_000, bytes: 512 << 20 };
/// A file with a NUL in this many bytes at its beginning is no text.
const HEAD: u64 = 8 << 10;
/// What a comment says on the line of a call that asks for no flag.
const NO_FLAG: &str = "tidegate: no flag";
/// More mistakes than this are not shown.
const MOST_SHOWN: usize = 50;

/// What a folder has of flags.
#[derive(Clone, Debug)]
pub struct FolderFlags {
    /// What it defines.
    pub flags: Flags,
    /// What its source mentions, of what is defined.
    pub mentioned: BTreeSet<FlagKey>,
    /// Why not all source was looked through, where it was not: completes a sentence.
    pub partly: Option<String>,
    /// What may be wrong, and the files it stands in: calls in tests for flags that nobody defines.
    pub warnings: Vec<Diagnostic>,
    /// See `warnings`.
    pub sources: Vec<Source>,
}

/// Why the flags of a folder cannot be used.
#[derive(Debug)]
pub enum FlagsRefused {
    /// Mistakes, and the files they stand in.
    Mistakes(Vec<Diagnostic>, Vec<Source>),
    /// A file cannot be read.
    Unreadable(String, io::Error),
}

/// The flags of a folder whose files are `entries`; `None` where its manifest says nothing of flags. `shown` is the manifest's
/// text with the name that messages call it by.
///
/// # Errors
/// What cannot be read or understood, and calls for flags that nobody defines.
pub fn flags_of(
    root: &Path,
    entries: &[Entry],
    manifest: &Manifest,
    shown: &Source,
) -> Result<Option<FolderFlags>, FlagsRefused> {
    if !manifest.uses_flags() {
        return Ok(None);
    }
    let files = flag_files(root, entries, manifest)?;
    let flags = match manifest.flags(shown, &files) {
        Ok(Some(flags)) => flags,
        Ok(None) => return Ok(None),
        Err(mistakes) => {
            let sources = files.into_iter().chain([shown.clone()]).collect();
            return Err(FlagsRefused::Mistakes(mistakes, sources));
        }
    };
    let mut look = Look::of(&flags, MOST);
    look.through(root, entries, manifest)?;
    let Look { mentioned, found, sources, partly, .. } = look;
    if found.iter().any(Diagnostic::is_error) {
        Err(FlagsRefused::Mistakes(found, sources))
    } else {
        Ok(Some(FolderFlags { flags, mentioned, partly, warnings: found, sources }))
    }
}

/// The flag files, read.
fn flag_files(root: &Path, entries: &[Entry], manifest: &Manifest) -> Result<Vec<Source>, FlagsRefused> {
    let named = entries.iter().filter(|entry| manifest.is_flag_file(&entry.path));
    // One more than may be read: that there are too many is told by who reads them.
    let (mut files, mut mistakes) = (Vec::new(), Vec::new());
    for entry in named.take(MOST_FLAG_FILES + 1) {
        match flag_file(root, entry)? {
            Ok(file) => files.push(file),
            Err(why) => mistakes.push(unreadable(&entry.path, why)),
        }
    }
    if mistakes.is_empty() { Ok(files) } else { Err(FlagsRefused::Mistakes(mistakes, Vec::new())) }
}

/// One of them; or why it is none. A link could lead anywhere, so it is not followed.
fn flag_file(root: &Path, entry: &Entry) -> Result<Result<Source, &'static str>, FlagsRefused> {
    if !matches!(entry.kind, EntryKind::File { .. }) {
        return Ok(Err("is a link, which is not followed: put the file itself there"));
    }
    let mut bytes = Vec::new();
    File::open(root.join(&entry.path))
        .and_then(|file| file.take(Source::LONGEST as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| FlagsRefused::Unreadable(entry.path.clone(), error))?;
    if bytes.len() > Source::LONGEST {
        return Ok(Err("is larger than 1 MiB"));
    }
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Ok(Source::new(entry.path.clone(), text)),
        Err(_) => Err("is not UTF-8: save it as UTF-8"),
    })
}

/// What is found on the way through the source.
struct Look<'f> {
    flags: &'f Flags,
    known: Keys<'f>,
    most: Most,
    /// Text files so far, and their bytes.
    files: usize,
    bytes: u64,
    mentioned: BTreeSet<FlagKey>,
    found: Vec<Diagnostic>,
    sources: Vec<Source>,
    partly: Option<String>,
}

impl<'f> Look<'f> {
    fn of(flags: &'f Flags, most: Most) -> Self {
        Look {
            flags,
            known: flags.keys().map(|key| key.as_str()).collect(),
            most,
            files: 0,
            bytes: 0,
            mentioned: BTreeSet::new(),
            found: Vec::new(),
            sources: Vec::new(),
            partly: None,
        }
    }

    /// Looks through all source files, or so many as there may be.
    fn through(&mut self, root: &Path, entries: &[Entry], manifest: &Manifest) -> Result<(), FlagsRefused> {
        for entry in entries {
            let EntryKind::File { size, .. } = entry.kind else { continue };
            if !is_source(&entry.path) || manifest.is_flag_file(&entry.path) {
                continue;
            }
            let text = self
                .text(root, &entry.path, size)
                .map_err(|error| FlagsRefused::Unreadable(entry.path.clone(), error))?;
            if let Some(text) = text {
                self.at(&entry.path, text);
            }
            if self.files > self.most.files || self.bytes > self.most.bytes {
                let Most { files, bytes, .. } = self.most;
                self.partly =
                    Some(format!("there are more than {files} text files, or {bytes} bytes of them"));
                return Ok(());
            }
        }
        Ok(())
    }

    /// The text of a file; `None` for what is no text, or too much of it. Only what is text counts.
    fn text(&mut self, root: &Path, path: &str, size: u64) -> io::Result<Option<String>> {
        let mut file = File::open(root.join(path))?;
        let mut content = Vec::new();
        file.by_ref().take(HEAD).read_to_end(&mut content)?;
        if content.contains(&0) {
            return Ok(None);
        }
        if size > self.most.file {
            // Data may be as large as it likes.
            if Language::of(path).is_some() {
                self.partly = Some(format!("{path} is larger than {} bytes", self.most.file));
            }
            return Ok(None);
        }
        self.files += 1;
        self.bytes += size;
        file.take(self.most.file - HEAD.min(self.most.file)).read_to_end(&mut content)?;
        Ok(String::from_utf8(content).ok())
    }

    fn at(&mut self, path: &str, text: String) {
        let mut found = mentions(&text, Language::of(path), &self.known);
        found.retain(|mention| !is_no_flag(&text, mention.start));
        let (known, mut unknown): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|mention| self.known.contains(mention.key.as_str()));
        self.mentioned.extend(known.iter().filter_map(|mention| mention.key.parse().ok()));
        unknown.truncate(MOST_SHOWN.saturating_sub(self.found.len()));
        if !unknown.is_empty() {
            let severity = if is_of_tests(path) { Severity::Warning } else { Severity::Error };
            let told = undefined(self.flags, path, &unknown).into_iter();
            self.found.extend(told.map(|told| Diagnostic { severity, ..told }));
            self.sources.push(Source::new(path, text));
        }
    }
}

/// Whether the line of a place says that what looks like a flag is none.
fn is_no_flag(text: &str, at: usize) -> bool {
    let begin = text[..at].rfind('\n').map_or(0, |end| end + 1);
    text[begin..].lines().next().is_some_and(|line| line.contains(NO_FLAG))
}

/// Whether a file is of tests, by its folder or its name: they ask for flags that they make up.
fn is_of_tests(path: &str) -> bool {
    const FOLDERS: [&str; 8] = ["test", "tests", "__tests__", "spec", "specs", "testdata", "fixtures", "e2e"];
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let called = [".test", ".spec", "_test", "_spec"].iter().any(|end| stem.ends_with(end));
    called || stem.starts_with("test_") || folders.split('/').any(|folder| FOLDERS.contains(&folder))
}

/// Whether a file may have code that asks for flags: what defines them has none, nor has prose, nor what others wrote.
fn is_source(path: &str) -> bool {
    const PROSE: [&str; 6] = [".md", ".markdown", ".mdx", ".rst", ".adoc", ".lock"];
    let name = path.rsplit('/').next().unwrap_or(path);
    let others = path.split('/').any(|part| matches!(part, "node_modules" | "vendor" | ".git" | ".venv"));
    let defines = crate::intake::MANIFESTS.contains(&path);
    !others && !defines && name != "package-lock.json" && !PROSE.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
#[path = "flags_tests.rs"]
mod tests;
