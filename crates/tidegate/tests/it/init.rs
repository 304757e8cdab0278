//! `tidegate init` never overwrites.

use crate::terminal::Terminal;

const PROCFILE: &str = "web: node server.js\n";

#[test]
fn writes_a_manifest_that_checks() {
    let terminal = Terminal::new().file("Procfile", PROCFILE);
    assert_eq!(terminal.output(&["init"]).status.code(), Some(0));
    assert_eq!(terminal.output(&["check"]).status.code(), Some(0));
    let written = std::fs::read_to_string(terminal.dir.path().join("tidegate.yaml")).unwrap();
    assert!(written.contains("node server.js"), "{written}");
}

#[test]
fn leaves_a_manifest_alone_and_keeps_it_when_forced() {
    let terminal = Terminal::new().file("Procfile", PROCFILE).file("tidegate.yaml", "precious");
    let read = |name: &str| std::fs::read_to_string(terminal.dir.path().join(name)).unwrap();
    insta::assert_snapshot!(terminal.type_in(&["init"]));
    assert_eq!(read("tidegate.yaml"), "precious");
    assert_eq!(terminal.output(&["init", "--force"]).status.code(), Some(0));
    assert_eq!(read("tidegate.yaml.before"), "precious");
    assert_ne!(read("tidegate.yaml"), "precious");
    assert_eq!(
        terminal.output(&["init", "--force"]).status.code(),
        Some(1),
        "a kept one is not overwritten either"
    );
    assert_eq!(read("tidegate.yaml.before"), "precious");
}

#[test]
fn to_standard_output_writes_no_file() {
    let terminal = Terminal::new().file("Procfile", PROCFILE);
    let output = terminal.output(&["init", "--stdout"]);
    assert!(output.status.success() && !output.stdout.is_empty());
    assert!(!terminal.dir.path().join("tidegate.yaml").exists());
}
