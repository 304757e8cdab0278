//! No change and no refusal without its entry, whatever is killed; and whoever lays a hand on the log is found.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use rusqlite::Connection;
use tidegate_core::access::{Origin, Who};
use tidegate_core::audit::{Entry, Outcome};
use tidegate_core::view::{AuditPage, AuditVerdict, DoctorReport, Severity};

use crate::support::{App, Tidegate, eventually, get};

const LONG: Duration = Duration::from_secs(20);
const TRIGGERS: &str = "DROP TRIGGER IF EXISTS audit_stays; DROP TRIGGER IF EXISTS audit_keeps;
                        DROP TRIGGER IF EXISTS audit_at_the_end;";

fn entries(tidegate: &Tidegate, options: &[&str]) -> Vec<Entry> {
    let output = tidegate.run(&[&["audit", "list", "--json", "-n", "500"], options].concat());
    let page: AuditPage = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let mut entries: Vec<Entry> = page.entries.into_iter().map(|row| row.entry.unwrap()).collect();
    entries.reverse();
    entries
}

fn only<'a>(entries: &'a [Entry], command: &str) -> &'a Entry {
    let found: Vec<&Entry> = entries.iter().filter(|entry| entry.deed.command == command).collect();
    assert_eq!(found.len(), 1, "{command} in {entries:#?}");
    found[0]
}

fn verify(tidegate: &Tidegate, options: &[&str]) -> AuditVerdict {
    let output = tidegate.run(&[&["audit", "verify", "--json"], options].concat());
    let verdict: AuditVerdict = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(output.status.code(), Some(if verdict.whole { 0 } else { 1 }));
    verdict
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn knock(tidegate: &Tidegate, token: &str) {
    let mut stream = TcpStream::connect(tidegate.api()).unwrap();
    let host = tidegate.api();
    let bearer = format!("Authorization: Bearer {token}\r\n");
    write!(stream, "POST /v1/down HTTP/1.1\r\nHost: {host}\r\n{bearer}Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

/// Somebody with a pen in the database.
fn attacked(data: &Path, sql: &str) {
    let database = Connection::open(data.join("tidegate.db")).unwrap();
    database.busy_timeout(LONG).unwrap();
    database.execute_batch(&format!("BEGIN IMMEDIATE; {TRIGGERS} {sql} COMMIT;")).unwrap();
}

const SWAP: &str = "UPDATE audit SET seq = 9999 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4;
                    UPDATE audit SET seq = 4 WHERE seq = 9999;";

#[test]
fn every_change_and_every_refusal_is_in_the_log_and_who_touches_it_is_found() {
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(App::new().env("PASSWORD", "hunter2-is-a-secret"));
    assert!(tidegate.run(&["scale", "web=1"]).status.success());
    assert_eq!(tidegate.run(&["rollback", "web", "r9"]).status.code(), Some(1));
    (0..5).for_each(|n| knock(&tidegate, &format!("stolen-token-{n}")));
    tidegate.kill9_control();
    tidegate.restart();
    assert!(tidegate.run(&["scale", "web=auto"]).status.success());
    assert_eq!(get(tidegate.gateway(), "bad.localhost", "/").unwrap().status, 200);

    let all = entries(&tidegate, &[]);
    assert!((1u64..).zip(&all).all(|(seq, entry)| entry.seq == seq), "{all:#?}");
    let deploy = &only(&all, "deploy").deed;
    assert_eq!((&deploy.who, &deploy.outcome), (&Some(Who::Owner), &Outcome::Done));
    assert!(matches!(deploy.from, Origin::Socket { .. }), "{deploy:?}");
    assert_eq!(deploy.after.as_deref(), Some("deploy 1"));
    let refused = &only(&all, "rollback").deed;
    assert_eq!(refused.outcome, Outcome::Refused { code: "revision::unknown".to_owned(), rule: None });
    assert_eq!(
        (refused.with["to"].as_str(), refused.environment.as_ref().unwrap().as_str()),
        ("r9", "production")
    );
    let knocked = &only(&all, "knock").deed;
    assert_eq!(knocked.who, Some(Who::Stranger), "five of them are one entry");
    let scaled: Vec<_> = all.iter().filter(|entry| entry.deed.command == "scale").collect();
    let change = |entry: &Entry| (entry.deed.before.clone().unwrap(), entry.deed.after.clone().unwrap());
    assert_eq!(
        scaled.iter().map(|entry| change(entry)).collect::<Vec<_>>(),
        [("auto".to_owned(), "1".to_owned()), ("1".to_owned(), "auto".to_owned())]
    );
    assert_eq!(entries(&tidegate, &["--refused"]).len(), 2);
    assert_eq!(entries(&tidegate, &["--action", "up"]).len(), 2);

    let kept = tidegate.data().join("../audit.jsonl");
    let kept = kept.to_str().unwrap();
    let exported = tidegate.run(&["audit", "export", "-o", kept]);
    assert!(exported.status.success(), "{}", said(&exported));
    let text = std::fs::read_to_string(kept).unwrap();
    for secret in
        ["hunter2", "stolen-token", &std::fs::read_to_string(tidegate.data().join("token")).unwrap()]
    {
        assert!(!text.contains(secret.trim()), "{secret} in {text}");
    }
    let whole = verify(&tidegate, &["--anchor", kept]);
    assert!(whole.whole, "{whole:?}");
    assert!(verify(&tidegate, &[kept]).last >= all.len() as u64, "without a server");
    let data = tidegate.data();

    attacked(
        &data,
        "UPDATE audit SET body = replace(body, '\"scale\"', '\"deploy\"') WHERE body LIKE '%\"scale\"%';",
    );
    let altered = verify(&tidegate, &[]);
    assert_eq!(altered.broken.as_ref().unwrap().seq, scaled[0].seq, "{altered:?}");
    assert!(altered.message.contains("it was altered"), "{altered:?}");
    let shown = tidegate.run(&["audit", "verify"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(said(&shown).contains(&format!("entry {}: it was altered", scaled[0].seq)), "{}", said(&shown));
    attacked(
        &data,
        &format!(
            "UPDATE audit SET body = replace(body, '\"command\":\"deploy\"', '\"command\":\"scale\"') WHERE seq IN ({}, {});",
            scaled[0].seq, scaled[1].seq
        ),
    );
    assert!(verify(&tidegate, &[]).whole, "as it was");

    attacked(&data, SWAP);
    let swapped = verify(&tidegate, &[]);
    assert!(swapped.message.contains("entry 3: it was swapped with entry 4"), "{swapped:?}");
    attacked(&data, SWAP);
    attacked(
        &data,
        "CREATE TEMP TABLE kept AS SELECT * FROM audit WHERE seq = 4; DELETE FROM audit WHERE seq = 4;",
    );
    let missing = verify(&tidegate, &[]);
    assert!(missing.message.contains("entry 4: it is missing"), "{missing:?}");

    // The end is cut off while nobody looks, and what is sealed outside the database tells.
    tidegate.kill9_control();
    attacked(&data, "DELETE FROM audit WHERE seq > 2;");
    tidegate.restart();
    let cut = verify(&tidegate, &[]);
    assert!(!cut.whole && cut.broken.is_some(), "{cut:?}");
    let report = eventually("the doctor knows", LONG, || {
        let report: DoctorReport =
            serde_json::from_slice(&tidegate.run(&["doctor", "--json"]).stdout).ok()?;
        report.findings.into_iter().find(|one| one.check == "audit" && one.severity == Severity::Error)
    });
    assert!(report.message.contains("cut off") || report.message.contains("not whole"), "{report:?}");
    // Who holds an older anchor needs nothing of this machine.
    std::fs::remove_file(data.join("audit.head")).unwrap();
    let cut = verify(&tidegate, &["--anchor", kept]);
    assert!(!cut.whole, "{cut:?}");
    assert!(verify(&tidegate, &[kept]).whole, "the export is as it was");
}
