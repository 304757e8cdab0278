//! Writes a first `tidegate.yaml` for the app in a folder.
//!
//! Pure: the command line reads the files in [`NAMES`] where they exist and hands their texts in. Guesses are made from
//! what the files say, never by running anything, and each guess is told in a note. The text always loads.

mod detect;
mod node;
mod others;
mod procfile;
mod python;
mod write;

use std::collections::BTreeMap;

/// The files to read from the folder, where they exist and are not larger than a megabyte.
pub const NAMES: &[&str] = &[
    "Procfile",
    "package.json",
    "package-lock.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "requirements.txt",
    "pyproject.toml",
    "uv.lock",
    "Gemfile",
    "config.ru",
    "go.mod",
    "Cargo.toml",
    "composer.json",
    "Dockerfile",
    "manage.py",
    "index.html",
    "main.js",
    "server.js",
    "app.js",
    "index.js",
    "main.py",
    "server.py",
    "app.py",
    "index.py",
];

/// What is known of a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FolderFacts {
    /// Its name: the app's name is made from it.
    pub folder_name: String,
    /// The texts of the files of [`NAMES`] that exist.
    pub files: BTreeMap<String, String>,
}

/// A first manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaffold {
    /// The text of `tidegate.yaml`.
    pub manifest: String,
    /// What was guessed and what to look at, a sentence each.
    pub notes: Vec<String>,
}

/// What was guessed of an app.
#[derive(Clone, Debug, Default)]
struct Guess {
    build: Option<String>,
    migrate: Option<String>,
    processes: Vec<Process>,
    notes: Vec<String>,
}

/// One process type.
#[derive(Clone, Debug)]
struct Process {
    name: String,
    run: String,
}

impl FolderFacts {
    fn text(&self, name: &str) -> Option<&str> {
        self.files.get(name).map(String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }
}

impl Guess {
    fn web(run: impl Into<String>) -> Self {
        Guess { processes: vec![Process { name: "web".to_owned(), run: run.into() }], ..Guess::default() }
    }

    fn build(mut self, command: impl Into<String>) -> Self {
        self.build = Some(command.into());
        self
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }
}

/// A commented manifest for the app in the folder, and what was guessed.
pub fn scaffold(facts: &FolderFacts) -> Scaffold {
    let name = crate::raw::nearest_name(&facts.folder_name).map_or_else(|| "app".to_owned(), String::from);
    let guess = detect::detect(facts);
    Scaffold { manifest: write::write(&name, &guess), notes: guess.notes }
}
