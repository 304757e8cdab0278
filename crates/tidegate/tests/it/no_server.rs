//! Without a server every command says where to get one, and exits with 2.

use crate::terminal::Terminal;

const GOOD: &str = "app: shop\nservices:\n  web: { run: node server.js }\n";

#[test]
fn nothing_there() {
    let terminal = Terminal::new();
    insta::assert_snapshot!(terminal.type_in(&["status"]));
    for command in [["logs", "web"], ["rollout", "show"], ["scale", "web=2"], ["upgrade", "--json"]] {
        let command = if command[0] == "rollout" { vec!["rollout", "show", "web"] } else { command.to_vec() };
        assert_eq!(terminal.output(&command).status.code(), Some(2), "{command:?}");
    }
}

#[test]
fn a_data_directory_where_nobody_runs() {
    let terminal = Terminal::new();
    std::fs::create_dir(terminal.dir.path().join(".tidegate")).unwrap();
    insta::assert_snapshot!(terminal.type_in(&["doctor"]));
}

#[test]
fn an_address_without_a_token() {
    insta::assert_snapshot!(Terminal::new().type_in(&["--api", "http://127.0.0.1:1", "status"]));
}

#[test]
fn an_address_where_nobody_answers() {
    let terminal = Terminal::new();
    let mut command = terminal.command(&["--api", "http://127.0.0.1:1", "status"]);
    insta::assert_snapshot!(terminal.shown(&command.env("TIDEGATE_TOKEN", "x").output().unwrap()));
}

#[test]
fn mistakes_in_the_manifest_come_before_the_server() {
    let terminal = Terminal::new().file("tidegate.yaml", "app: shop\nservices: {}\n");
    assert_eq!(terminal.output(&["deploy"]).status.code(), Some(1));
    let terminal = Terminal::new().file("tidegate.yaml", GOOD);
    assert_eq!(terminal.output(&["deploy"]).status.code(), Some(2));
}

#[test]
fn no_value_of_an_env_file_is_shown() {
    let terminal =
        Terminal::new().file("tidegate.yaml", GOOD).file("a.env", "GOOD=hunter2\nBAD NAME=hunter2\n");
    let shown = terminal.type_in(&["deploy", "--env-file", "a.env"]);
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.starts_with("exit 1\n"), "{shown}");
}
