//! Lines as a person types them in an app's folder. `ann` types where the line does not say who.

use std::path::Path;
use std::process::Output;

use super::{App, Tidegate};

/// Types a line.
pub fn type_in(tidegate: &Tidegate, app: &App, line: &str) -> Output {
    let programs = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut shell = tidegate.command_of(Path::new("/bin/sh"), &["-c", line]);
    shell.current_dir(app.path()).env("PATH", path).env("USER", "ann").env("GIT_CONFIG_GLOBAL", "/dev/null");
    shell.env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0").output().unwrap()
}

/// Types a line that succeeds; what it says, on both outputs.
pub fn typed_well(tidegate: &Tidegate, app: &App, line: &str) -> String {
    let output = type_in(tidegate, app, line);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}\n{said}\n{}", tidegate.story());
    String::from_utf8(output.stdout).unwrap() + &said
}

/// Types a line that is refused with this code; what it says.
pub fn refused(tidegate: &Tidegate, app: &App, line: &str, code: &str) -> String {
    let output = type_in(tidegate, app, line);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{line}\n{said}");
    assert!(said.contains(&format!("[{code}]")), "{line}\n{said}");
    said
}
