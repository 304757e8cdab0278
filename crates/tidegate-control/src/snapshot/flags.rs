//! The flags of a folder: its flag files read, and its source looked through for flags it mentions.
//!
//! The command line calls it for `check` and `plan`, the intake when a deploy comes in. An app whose manifest says nothing of
//! flags is not looked at.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tidegate_config::flags::{MOST_FLAG_FILES, undefined};
use tidegate_config::{Diagnostic, Flags, Manifest, Source};
use tidegate_core::model::FlagKey;
use tidegate_flags::mention::{Keys, Language, mentions};

use super::scan::{Entry, EntryKind};

/// The largest source file that is looked through, in bytes; the most files, and the most bytes of all together.
const LARGEST: u64 = 1 << 20;
const MOST_FILES: usize = 100_000;
const MOST_BYTES: u64 = 512 << 20;
/// A file with a NUL in this many bytes at its beginning is no text.
const HEAD: usize = 8 << 10;
/// More mistakes than this are not shown.
const MOST_SHOWN: usize = 50;

/// What a folder has of flags.
#[derive(Clone, Debug)]
pub struct FolderFlags {
    /// What it defines.
    pub flags: Flags,
    /// What its source mentions, of what is defined.
    pub mentioned: BTreeSet<FlagKey>,
    /// Whether there was too much source to look through all of it.
    pub partly: bool,
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
    let mut look =
        Look { flags: &flags, mentioned: BTreeSet::new(), mistakes: Vec::new(), sources: Vec::new() };
    let partly = look.through(root, entries, manifest)?;
    let Look { mentioned, mistakes, sources, .. } = look;
    if mistakes.is_empty() {
        Ok(Some(FolderFlags { flags, mentioned, partly }))
    } else {
        Err(FlagsRefused::Mistakes(mistakes, sources))
    }
}

/// The flag files, read. A link is none: it could lead anywhere.
fn flag_files(root: &Path, entries: &[Entry], manifest: &Manifest) -> Result<Vec<Source>, FlagsRefused> {
    let named = entries.iter().filter(|entry| manifest.is_flag_file(&entry.path));
    let files = named.filter(|entry| matches!(entry.kind, EntryKind::File { .. }));
    // One more than may be read: that there are too many is told by who reads them.
    let files = files.take(MOST_FLAG_FILES + 1);
    files
        .map(|entry| {
            let bytes = read(&root.join(&entry.path), Source::LONGEST as u64 + 1)
                .map_err(|error| FlagsRefused::Unreadable(entry.path.clone(), error))?;
            Ok(Source::new(entry.path.clone(), String::from_utf8_lossy(&bytes).into_owned()))
        })
        .collect()
}

fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is found on the way through the source.
struct Look<'f> {
    flags: &'f Flags,
    mentioned: BTreeSet<FlagKey>,
    mistakes: Vec<Diagnostic>,
    sources: Vec<Source>,
}

impl Look<'_> {
    /// Looks through all source files; whether some were left out because there are too many.
    fn through(&mut self, root: &Path, entries: &[Entry], manifest: &Manifest) -> Result<bool, FlagsRefused> {
        let known: Keys<'_> = self.flags.keys().map(|key| key.as_str()).collect();
        let (mut files, mut bytes) = (0, 0);
        for entry in entries {
            let EntryKind::File { size, .. } = entry.kind else { continue };
            if size > LARGEST || !is_source(&entry.path) || manifest.is_flag_file(&entry.path) {
                continue;
            }
            files += 1;
            bytes += size;
            if files > MOST_FILES || bytes > MOST_BYTES {
                return Ok(true);
            }
            let content = read(&root.join(&entry.path), LARGEST)
                .map_err(|error| FlagsRefused::Unreadable(entry.path.clone(), error))?;
            if let Some(text) = text_of(content) {
                self.at(&entry.path, text, &known);
            }
        }
        Ok(false)
    }

    fn at(&mut self, path: &str, text: String, known: &Keys<'_>) {
        let found = mentions(&text, Language::of(path), known);
        if found.is_empty() {
            return;
        }
        let keys = found.iter().filter(|mention| known.contains(mention.key.as_str()));
        self.mentioned.extend(keys.filter_map(|mention| mention.key.parse().ok()));
        let mistakes = undefined(self.flags, path, &found);
        if !mistakes.is_empty() && self.mistakes.len() < MOST_SHOWN {
            self.mistakes.extend(mistakes);
            self.sources.push(Source::new(path, text));
        }
    }
}

/// The text of a file; `None` for what is no text.
fn text_of(content: Vec<u8>) -> Option<String> {
    if content[..content.len().min(HEAD)].contains(&0) {
        return None;
    }
    String::from_utf8(content).ok()
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
