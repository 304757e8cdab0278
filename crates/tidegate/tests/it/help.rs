//! The help of every command: what users read first.

use crate::terminal::Terminal;

const COMMANDS: [&str; 48] = [
    "up",
    "init",
    "check",
    "plan",
    "deploy",
    "pipeline",
    "promote",
    "approve",
    "preview",
    "env",
    "config",
    "secret",
    "param",
    "resource",
    "status",
    "rollout",
    "rollback",
    "release",
    "scale",
    "logs",
    "run",
    "jobs",
    "git",
    "events",
    "explain",
    "experiment",
    "flag",
    "access",
    "policy",
    "audit",
    "doctor",
    "verify",
    "build",
    "sbom",
    "key",
    "cert",
    "judge",
    "schema",
    "completions",
    "backup",
    "restore",
    "upgrade",
    "down",
    "login",
    "logout",
    "whoami",
    "user",
    "token",
];

#[test]
fn of_the_whole() {
    insta::assert_snapshot!(Terminal::new().type_in(&["--help"]));
}

#[test]
fn of_every_command() {
    let terminal = Terminal::new();
    for command in COMMANDS {
        let shown = terminal.type_in(&[command, "-h"]);
        insta::assert_snapshot!(format!("of_{command}"), shown);
    }
}

/// The list above is the list users see: a new command cannot stay without a snapshot.
#[test]
fn no_command_is_left_out() {
    let help = String::from_utf8(Terminal::new().output(&["-h"]).stdout).unwrap();
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<_> = listed.map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(names, COMMANDS);
}

#[test]
fn a_misspelt_command_is_the_users_mistake() {
    insta::assert_snapshot!(Terminal::new().type_in(&["stauts"]));
}

#[test]
fn version_and_completions_are_data() {
    let terminal = Terminal::new();
    let version = terminal.output(&["-V"]);
    assert_eq!(
        String::from_utf8(version.stdout).unwrap(),
        concat!("tidegate ", env!("CARGO_PKG_VERSION"), "\n")
    );
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = terminal.output(&["completions", shell]);
        assert!(output.status.success() && output.stderr.is_empty(), "{shell}");
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(COMMANDS.iter().all(|command| script.contains(command)), "{shell}");
    }
}
