//! `tidegate flag serve` where it cannot begin: what is wrong, and what to do.

use crate::terminal::Terminal;

const FLAGS: &str = r#"{"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}}}"#;

fn serve(terminal: &Terminal, more: &[&str]) -> String {
    let begin = ["flag", "serve", "--file", "flags.json"];
    terminal.type_in(&[&begin, more].concat())
}

#[test]
fn the_options_are_explained() {
    insta::assert_snapshot!(Terminal::new().type_in(&["flag", "serve", "--help"]));
}

#[test]
fn what_is_wrong_with_the_file_is_said() {
    let ofrep = ["--ofrep", "127.0.0.1:0"];
    insta::assert_snapshot!("no_file", serve(&Terminal::new(), &ofrep));
    insta::assert_snapshot!("no_json", serve(&Terminal::new().file("flags.json", "{"), &ofrep));
    let lost = FLAGS.replace("\"defaultVariant\":\"on\"", "\"defaultVariant\":\"of\"");
    insta::assert_snapshot!("no_such_variant", serve(&Terminal::new().file("flags.json", &lost), &ofrep));
}

#[test]
fn what_is_wrong_with_the_options_is_said() {
    let terminal = Terminal::new().file("flags.json", FLAGS).file("keys", "short\n");
    insta::assert_snapshot!("nowhere", serve(&terminal, &[]));
    insta::assert_snapshot!("short_key", serve(&terminal, &["--ofrep", "127.0.0.1:0", "--key-file", "keys"]));
    insta::assert_snapshot!("no_origin", serve(&terminal, &["--ofrep", "127.0.0.1:0", "--origin", "shop"]));
    let version = ["--ofrep", "127.0.0.1:0", "--fractional", "v1"];
    insta::assert_snapshot!("no_such_version", serve(&terminal, &version));
}

#[test]
fn an_address_that_is_taken_is_named() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = held.local_addr().unwrap().to_string();
    let said = serve(&Terminal::new().file("flags.json", FLAGS), &["--ofrep", &address]);
    insta::assert_snapshot!(said.replace(&address, "[ADDRESS]"));
}
