//! From the first start to an administrator, a user and a token over TLS; and what is refused on the way.

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;

use crate::support::{Tidegate, eventually};

const WITHIN: Duration = Duration::from_secs(20);

/// Somebody at a machine of their own: a home and an authority they believe.
struct Person<'a> {
    tidegate: &'a Tidegate,
    home: PathBuf,
    server: String,
    ca: PathBuf,
}

impl Person<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.tidegate.command(args);
        command.env("HOME", &self.home).env_remove("XDG_CONFIG_HOME").env_remove("TIDEGATE_API");
        command.env("TIDEGATE_CA", &self.ca).current_dir(&self.home);
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    fn well(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn me(&self) -> Value {
        serde_json::from_str(&self.well(&["whoami", "--json"])).unwrap()
    }

    /// What a command with this token is refused with.
    fn refused_with(&self, token: &str, args: &[&str]) -> String {
        let output =
            self.command(&[&["--api", &self.server], args].concat()).env("TIDEGATE_TOKEN", token).output();
        let output = output.unwrap();
        assert!(!output.status.success(), "{args:?} was done");
        String::from_utf8(output.stderr).unwrap()
    }
}

/// What the control plane said after a word, up to the next blank.
fn said_after(tidegate: &Tidegate, word: &str) -> Option<String> {
    let log = tidegate.control_log();
    let rest = log.rsplit_once(word)?.1;
    Some(rest.split_whitespace().next()?.to_owned())
}

fn person<'a>(
    tidegate: &'a Tidegate,
    homes: &std::path::Path,
    name: &str,
    ca: &std::path::Path,
) -> Person<'a> {
    let home = homes.join(name);
    std::fs::create_dir(&home).unwrap();
    Person { tidegate, home, server: format!("https://{}", tidegate.api()), ca: ca.to_owned() }
}

#[test]
fn from_the_first_start_to_a_token_over_tls_that_was_revoked() {
    let files = tempfile::tempdir().unwrap();
    let (cert, key) = (files.path().join("cert.pem"), files.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let mut tidegate = Tidegate::up();
    let before = eventually("the first start prints a code", WITHIN, || said_after(&tidegate, "--code "));
    tidegate.end_control();
    tidegate.restart_with(&["--api-cert", cert.to_str().unwrap(), "--api-key", key.to_str().unwrap()]);
    let code = eventually("each start prints another one until it is used", WITHIN, || {
        said_after(&tidegate, "--code ").filter(|code| *code != before)
    });

    let ann = person(&tidegate, files.path(), "ann", &cert);
    let server = ann.server.clone();
    assert!(!ann.run(&["login", &server, "--user", "ann", "--code", &before]).status.success(), "it is void");
    ann.well(&["login", &server, "--user", "ann", "--code", &code]);
    assert!(!ann.run(&["login", &server, "--user", "eve", "--code", &code]).status.success(), "it was used");
    let me = ann.me();
    assert_eq!((&me["who"], &me["admin"], &me["means"]), (&"ann".into(), &true.into(), &"token".into()));

    ann.well(&["user", "add", "bob"]);
    let code = ann.well(&["user", "invite", "bob"]);
    let bob = person(&tidegate, files.path(), "bob", &cert);
    bob.well(&["login", &server, "--code", &code]);
    assert_eq!(bob.me()["who"], "bob");
    let forbidden = bob.run(&["user", "add", "eve"]);
    assert!(String::from_utf8_lossy(&forbidden.stderr).contains("access::forbidden"));

    let token = bob.well(&["token", "create", "ci", "--expires", "1h"]);
    let listed = bob.well(&["token", "list", "--json"]);
    assert!(!listed.contains(&token) && listed.contains("\"ci\""), "{listed}");
    assert!(bob.refused_with(&token, &["down"]).contains("access::forbidden"));
    bob.well(&["token", "revoke", "ci"]);
    assert!(bob.refused_with(&token, &["whoami"]).contains("access::revoked-token"));
    ann.well(&["user", "disable", "bob"]);
    assert!(String::from_utf8_lossy(&bob.run(&["whoami"]).stderr).contains("access::disabled-user"));

    ann.well(&["logout"]);
    assert!(!ann.run(&["whoami"]).status.success());
    let untrusting = bob.command(&["--api", &server, "whoami"]).env("TIDEGATE_CA", &key).output().unwrap();
    assert!(!untrusting.status.success());
    let owner: Value = serde_json::from_slice(&tidegate.run(&["whoami", "--json"]).stdout).unwrap();
    assert_eq!((&owner["who"], &owner["means"]), (&"owner".into(), &"socket".into()));
    assert!(!tidegate.control_log().contains(&token));
}
