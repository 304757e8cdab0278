//! The `tidegate` program, built and run.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::Trouble;

/// Builds it; where it is.
pub fn build(root: &Path) -> Result<PathBuf, Trouble> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.current_dir(root).args(["build", "--quiet", "-p", "tidegate", "--message-format", "json"]);
    let output = build.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("tidegate does not build".into());
    }
    let said = String::from_utf8(output.stdout)?;
    let messages = said.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let made = messages.filter(|message| message["target"]["name"] == "tidegate");
    let path = made.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    path.ok_or_else(|| "cargo names no program tidegate".into())
}

/// Runs it as a script would: no terminal, no colour, no server.
pub fn run(program: &Path, args: &[&str]) -> Result<Output, Trouble> {
    let mut command = Command::new(program);
    for variable in ["COLUMNS", "TIDEGATE_API", "TIDEGATE_TOKEN"] {
        command.env_remove(variable);
    }
    Ok(command.args(args).env("NO_COLOR", "1").stdin(Stdio::null()).output()?)
}

/// What it prints where it succeeds.
pub fn text(program: &Path, args: &[&str]) -> Result<String, Trouble> {
    let output = run(program, args)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("tidegate {}: {said}", args.join(" ")).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}
