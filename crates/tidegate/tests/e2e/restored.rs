//! A backup, made while everything runs, brought back beside what it is of: both serve.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tidegate_core::event::Event;
use tidegate_store::Store;

use crate::support::{App, Tidegate, eventually, figures, full, get};

const HOST: &str = "bad.localhost";
const WITHIN: Duration = Duration::from_secs(60);
/// What a busy machine and a program that is not optimised are let off with.
const LENIENCE: f64 = 6.0;

fn json(tidegate: &Tidegate, args: &[&str]) -> Value {
    let output = tidegate.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What an installation has after a while: events, and revisions where it is to be shown in full.
fn fill(tidegate: &mut Tidegate, app: &mut App, revisions: u32) {
    for _ in 1..revisions {
        tidegate.deploy_well(app.next_version());
    }
    tidegate.end_control();
    let mut store = Store::open(&tidegate.data().join("tidegate.db")).unwrap();
    let event = |number: u32| Event::platform("test", format!("event {number} of many"));
    store.transaction(|tx| (0..10_000).try_for_each(|number| tx.event(&event(number), 1).map(drop))).unwrap();
    drop(store);
}

#[test]
fn what_was_backed_up_while_it_ran_serves_elsewhere() {
    let (mut tidegate, mut app) = (Tidegate::up(), App::new());
    tidegate.deploy_well(&app);
    fill(&mut tidegate, &mut app, if full() { 50 } else { 3 });
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    tidegate.restart_with(&[
        "--backup-dir",
        backups.to_str().unwrap(),
        "--backup-every",
        "1h",
        "--backup-keep",
        "2",
    ]);
    let (key, file) = (folder.path().join("key.txt"), folder.path().join("one.backup"));
    let made = tidegate.run(&["backup", "key"]);
    fs::write(&key, &made.stdout).unwrap();
    let secret = String::from_utf8_lossy(&made.stdout).lines().last().unwrap().to_owned();
    assert!(secret.starts_with("AGE-SECRET-KEY-1") && !kept(&tidegate.data(), &secret), "it is kept nowhere");

    let (key, path) = (key.to_str().unwrap(), file.to_str().unwrap());
    let begun = Instant::now();
    let made = json(&tidegate, &["backup", "-o", path, "--identity", key, "--json"]);
    figures::hold("a backup", begun.elapsed().as_secs_f64(), 5.0, "s", LENIENCE);
    assert_eq!(made["checked"], "content", "{made}");
    assert_eq!(
        json(&tidegate, &["backup", "verify", path, "--identity", key, "--json"])["members"],
        made["members"]
    );
    let refused = tidegate.run(&["backup", "verify", path, "--identity", path]);
    assert_eq!(refused.status.code(), Some(1));

    let to = folder.path().join("restored");
    let begun = Instant::now();
    let restored =
        json(&tidegate, &["restore", path, "--data", to.to_str().unwrap(), "--identity", key, "--json"]);
    assert_eq!(restored["moved_from"], fs::canonicalize(tidegate.data()).unwrap().to_str().unwrap());
    let other = Tidegate::up_in(&to);
    let version =
        |at: &Tidegate| get(at.gateway(), HOST, "/version").ok().filter(|answer| answer.status == 200);
    let answer = eventually("it serves", WITHIN, || version(&other));
    figures::hold("brought back, and it serves", begun.elapsed().as_secs_f64(), 10.0, "s", LENIENCE);
    // The one it is of goes on, and neither is in the other's way.
    assert_eq!(version(&tidegate).expect("the one it is of serves").body, answer.body);
    let kinds: Vec<String> = other.events().into_iter().map(|event| event.kind).collect();
    assert!(kinds.iter().any(|kind| kind == "backup.restored"), "its timeline says so");
    let twice = tidegate.run(&["restore", path, "--data", to.to_str().unwrap(), "--identity", key]);
    assert_eq!(twice.status.code(), Some(1), "{}", String::from_utf8_lossy(&twice.stderr));

    by_themselves(&tidegate, &backups);
}

/// Those that `up` makes: the first failed for want of a key, if it came so early; then there is one, and doctor knows.
fn by_themselves(tidegate: &Tidegate, backups: &Path) {
    let said = String::from_utf8_lossy(&tidegate.run(&["doctor"]).stdout).into_owned();
    assert!(said.contains("backup"), "{said}");
    let kinds = || tidegate.events().into_iter().map(|event| event.kind).collect::<Vec<_>>();
    eventually("one was tried by itself", WITHIN, || {
        kinds().iter().any(|kind| kind.starts_with("backup.")).then_some(())
    });
    let made = fs::read_dir(backups).map(|items| items.flatten().count()).unwrap_or(0);
    assert_eq!(made > 0, kinds().iter().any(|kind| kind == "backup.made"));
}

/// Whether a text is in any file of a folder.
fn kept(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|item| match item.file_type() {
        Ok(kind) if kind.is_dir() => kept(&item.path(), text),
        Ok(kind) if kind.is_file() => {
            let bytes = fs::read(item.path()).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        }
        _ => false,
    })
}
