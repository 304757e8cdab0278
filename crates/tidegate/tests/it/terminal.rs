//! A folder to type commands in.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A scratch folder outside of any app.
pub struct Terminal {
    pub dir: TempDir,
    api: Option<String>,
}

impl Terminal {
    pub fn new() -> Self {
        Terminal { dir: tempfile::tempdir().unwrap(), api: None }
    }

    /// Commands go to this server.
    pub fn with_api(api: &Path) -> Self {
        Terminal { dir: tempfile::tempdir().unwrap(), api: Some(api.display().to_string()) }
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.dir.path().join(name), text).unwrap();
        self
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        for name in ["TIDEGATE_API", "TIDEGATE_TOKEN", "NO_COLOR", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command
            .envs(self.api.as_ref().map(|api| ("TIDEGATE_API", api)))
            .env("USER", "ann")
            .env("COLUMNS", "100");
        command
    }

    pub fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// What a person sees: exit code, standard output, standard error; this machine's paths taken out.
    pub fn type_in(&self, args: &[&str]) -> String {
        self.shown(&self.output(args))
    }

    pub fn shown(&self, output: &Output) -> String {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let code = output.status.code().unwrap();
        let shown =
            format!("exit {code}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr));
        let real = self.dir.path().canonicalize().unwrap();
        let shown = shown.replace(&real.display().to_string(), "[DIR]");
        shown.replace(&self.dir.path().display().to_string(), "[DIR]")
    }
}
