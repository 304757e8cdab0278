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

#[test]
fn certificates_are_looked_for_where_it_is_said() {
    let terminal = Terminal::new();
    std::fs::create_dir_all(terminal.dir.path().join("there/gateway/certs")).unwrap();
    let said = |args: &[&str]| {
        let output = terminal.output(args);
        let text = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code(), text)
    };
    for option in ["--api", "--data"] {
        let (exit, text) = said(&["cert", "list", option, "there"]);
        assert_eq!((exit, text.as_str()), (Some(0), "no certificates in there/gateway/certs\n"), "{option}");
        let (exit, text) = said(&["cert", "list", option, "/nonexistent"]);
        assert_eq!(exit, Some(2), "{text}");
        assert!(text.contains("/nonexistent is no data directory"), "{text}");
    }
    let (exit, text) = said(&["cert", "list", "--api", "http://127.0.0.1:1"]);
    assert_eq!(exit, Some(1), "{text}");
    assert!(text.contains("files on the gateway's machine"), "{text}");
    assert_eq!(said(&["cert", "list", "--certs", "there"]).0, Some(0));
}
