//! `tidegate check`, and the codes it names.

use crate::terminal::Terminal;

const BROKEN: &str = "app: Shop\nservices:\n  web:\n    rum: node server.js\n    drain: 30\nroutes:\n  - { host: shop.localhost, to: wbe }\n";
const GOOD: &str = "app: shop\nservices:\n  web: { run: node server.js }\n";

#[test]
fn shows_every_mistake_at_once() {
    let terminal = Terminal::new().file("tidegate.yaml", BROKEN);
    insta::assert_snapshot!(terminal.type_in(&["check"]));
}

#[test]
fn as_json_is_an_array_of_diagnostics() {
    let terminal = Terminal::new().file("tidegate.yaml", BROKEN);
    let output = terminal.output(&["check", "--json"]);
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), b"".as_slice()));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let codes: Vec<_> = found.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"manifest::bad-name") && codes.contains(&"manifest::unknown-key"), "{codes:?}");
}

#[test]
fn a_good_manifest_is_said_to_be_good() {
    let terminal = Terminal::new().file("tidegate.yaml", GOOD);
    insta::assert_snapshot!(terminal.type_in(&["check"]));
}

/// The folder's name is the app's; where it cannot be one, a deploy takes `--app`.
#[test]
fn a_procfile_alone_will_do() {
    let terminal = Terminal::new();
    for folder in ["shop", "My Shop"] {
        std::fs::create_dir(terminal.dir.path().join(folder)).unwrap();
        std::fs::write(terminal.dir.path().join(folder).join("Procfile"), "web: node server.js\n").unwrap();
    }
    assert_eq!(terminal.output(&["check", "shop"]).status.code(), Some(0));
    insta::assert_snapshot!(terminal.type_in(&["check", "My Shop"]));
    // Past the manifest: what is missing then is a server.
    assert_eq!(terminal.output(&["deploy", "My Shop", "--app", "shop"]).status.code(), Some(2));
}

#[test]
fn an_environment_that_is_not_declared_is_a_mistake() {
    let text = format!("{GOOD}environments:\n  staging: {{}}\n");
    let terminal = Terminal::new().file("tidegate.yaml", &text);
    assert_eq!(terminal.output(&["check", "-e", "staging"]).status.code(), Some(0));
    insta::assert_snapshot!(terminal.type_in(&["check", "-e", "stagin"]));
}

#[test]
fn a_folder_without_a_manifest_leads_to_init() {
    insta::assert_snapshot!(Terminal::new().type_in(&["check"]));
}

#[test]
fn a_code_is_explained_without_a_server() {
    let terminal = Terminal::new();
    insta::assert_snapshot!("code", terminal.type_in(&["explain", "manifest::unknown-key"]));
    insta::assert_snapshot!("no_such_code", terminal.type_in(&["explain", "manifest::nothing"]));
}
