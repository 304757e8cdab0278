//! The apps that are deployed: a folder with this very program in it, and a manifest that changes with each version.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::size::Size;

/// Strategies, in turn.
pub const STRATEGIES: [&str; 5] =
    ["all-at-once", "rolling", "rolling-with-extra-batch", "immutable", "blue-green"];

/// A folder to deploy.
#[derive(Debug)]
pub struct Example {
    folder: PathBuf,
    app: &'static str,
    seen: PathBuf,
    size: Size,
}

impl Example {
    /// Makes the folder.
    pub fn new(app: &'static str, within: &Path, seen: &Path, size: Size) -> io::Result<Self> {
        let folder = within.join(app);
        fs::create_dir(&folder)?;
        let program = folder.join("app");
        fs::copy(std::env::current_exe()?, &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let example = Example { folder, app, seen: seen.to_owned(), size };
        example.write(0)?;
        Ok(example)
    }

    /// Has it write down no ids.
    pub fn without_seen_log(&self) -> io::Result<()> {
        let path = self.folder.join("tidegate.yaml");
        let manifest = fs::read_to_string(&path)?;
        let kept = manifest.lines().filter(|line| !line.trim_start().starts_with("SEEN_LOG"));
        fs::write(&path, kept.map(|line| format!("{line}\n")).collect::<String>())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Makes it this version, to be rolled out by the strategy whose turn it is then.
    pub fn write(&self, version: usize) -> io::Result<()> {
        let strategy = STRATEGIES[version % STRATEGIES.len()];
        let Size { drain, files_drain, .. } = self.size;
        let (app, seen) = (self.app, self.seen.display());
        let probes = "{ startup: { http: /up, within: 60s }, ready: { http: /up, every: 1s } }";
        let common = format!(
            "scale: 2\n    strategy: {{ {strategy}: {{ bake: 1s }} }}\n    stop: {{ signal: SIGTERM, grace: 20s }}"
        );
        let manifest = format!(
            "app: {app}
services:
  web:
    run: exec ./app app
    probes: {probes}
    drain: {drain}s
    {common}
  rpc:
    run: exec ./app app --rpc
    drain: {drain}s
    traffic: {{ protocol: h2c }}
    {common}
  files:
    run: exec ./app app
    probes: {probes}
    drain: {files_drain}s
    strategy: {{ blue-green: {{ bake: 1s }} }}
    scale: 2
    stop: {{ signal: SIGTERM, grace: 20s }}
routes:
  - {{ host: web.{app}.localhost, to: web }}
  - {{ host: rpc.{app}.localhost, to: rpc }}
  - {{ host: files.{app}.localhost, to: files }}
env:
  SEEN_LOG: {seen}
  VERSION: \"{version}\"
"
        );
        fs::write(self.folder.join("tidegate.yaml"), manifest)
    }
}
