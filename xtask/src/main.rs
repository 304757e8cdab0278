//! Generators and checks of this repository: `cargo run -p xtask -- docs` writes docs/reference from the programs
//! themselves, `cargo run -p xtask -- check` fails where that is out of date or a rule of the house is broken.
#![allow(clippy::print_stdout, clippy::print_stderr)] // a program for the people who work here

mod examples;
mod files;
mod law;
mod lengths;
mod program;
mod reference;
mod scenarios;
mod words;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What went wrong with a task itself, in words.
type Trouble = Box<dyn std::error::Error>;

const USAGE: &str = "usage: cargo run -p xtask -- docs|check";

fn main() -> ExitCode {
    let task = std::env::args().nth(1);
    let done = match task.as_deref() {
        Some("docs") => reference::write(&root()).map(|()| Vec::new()),
        Some("check") => check(&root()),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(findings) if findings.is_empty() => ExitCode::SUCCESS,
        Ok(findings) => {
            findings.iter().for_each(|finding| eprintln!("{finding}"));
            eprintln!("{} finding(s)", findings.len());
            ExitCode::FAILURE
        }
        Err(trouble) => {
            eprintln!("error: {trouble}");
            ExitCode::from(2)
        }
    }
}

/// Every check; what each found.
fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    let mut findings = Vec::new();
    type Check = fn(&Path) -> Result<Vec<String>, Trouble>;
    let checks: [(&str, Check); 6] = [
        ("the import law", law::check),
        ("lengths of files", lengths::check),
        ("words and paths", words::check),
        ("examples", examples::check),
        ("scenarios", scenarios::check),
        ("docs/reference", reference::check),
    ];
    for (name, check) in checks {
        let found = check(root)?;
        println!("{name}: {}", if found.is_empty() { "good" } else { "NOT GOOD" });
        findings.extend(found);
    }
    Ok(findings)
}

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(1).unwrap_or(Path::new(".")).to_owned()
}
