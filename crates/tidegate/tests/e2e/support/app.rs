//! An app of one's own: a copy of `examples/bad` whose manifest and variables a test changes between deploys.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A copy of the example that goes wrong on request. `BEHAVIOUR` is `good` until it is changed.
#[derive(Debug)]
pub struct App {
    folder: TempDir,
    version: u32,
}

impl App {
    /// A fresh copy, version 1, with two instances and the bake time short.
    pub fn new() -> Self {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/bad");
        let mut app = Self::copy_of(&example, &["app.py", "migrate.sh", "tidegate.yaml"]);
        app.set("strategy", "{ blue-green: { bake: 1s } }");
        app
    }

    /// A copy of these files of another folder, version 1.
    pub fn copy_of(folder: &Path, names: &[&str]) -> Self {
        let copy = tempfile::Builder::new().prefix("tidegate-app-").tempdir().unwrap();
        for name in names {
            fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
        App { folder: copy, version: 1 }
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its manifest.
    pub fn manifest(&self) -> PathBuf {
        self.path().join("tidegate.yaml")
    }

    /// The version it says it is, in `x-app-version`.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Gives the manifest's only key of this name another value: `strategy`, `scale`, `drain`, `run`, `BEHAVIOUR`, …
    pub fn set(&mut self, key: &str, value: &str) -> &mut Self {
        let text = fs::read_to_string(self.manifest()).unwrap();
        let begin = format!("{key}:");
        let of_key = |line: &&str| line.trim_start().starts_with(&begin);
        assert_eq!(text.lines().filter(of_key).count(), 1, "`{key}` once in\n{text}");
        let line = text.lines().find(of_key).unwrap();
        let indent = &line[..line.len() - line.trim_start().len()];
        fs::write(self.manifest(), text.replacen(line, &format!("{indent}{key}: {value}"), 1)).unwrap();
        self
    }

    /// Sets a variable of the app, which is the manifest's last part.
    pub fn env(&mut self, name: &str, value: &str) -> &mut Self {
        let text = fs::read_to_string(self.manifest()).unwrap();
        if text.lines().any(|line| line.starts_with(&format!("  {name}:"))) {
            return self.set(name, &format!("{value:?}"));
        }
        fs::write(self.manifest(), format!("{text}  {name}: {value:?}\n")).unwrap();
        self
    }

    /// Gives it jobs, each as a line of YAML.
    pub fn jobs(&mut self, jobs: &[&str]) -> &mut Self {
        let text = fs::read_to_string(self.manifest()).unwrap();
        let lines: String = jobs.iter().map(|job| format!("  {job}\n")).collect();
        fs::write(self.manifest(), format!("jobs:\n{lines}{text}")).unwrap();
        self
    }

    /// What it does, by the table in the example's README.
    pub fn behave(&mut self, behaviour: &str) -> &mut Self {
        self.set("BEHAVIOUR", behaviour)
    }

    /// Makes it the next version, so that a deploy has something to do.
    pub fn next_version(&mut self) -> &mut Self {
        self.version += 1;
        let version = self.version.to_string();
        self.env("VERSION", &version)
    }
}
