//! A backup, made while everything runs, brought back beside what it is of: both serve.

use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tidegate_core::event::Event;
use tidegate_store::Store;

use crate::support::{App, Tidegate, eventually, figures, full, get};

const WITHIN: Duration = Duration::from_secs(60);
const EVENTS: u32 = 10_000;
/// What each revision has besides its program, and nothing makes smaller.
const PAYLOAD_BYTES: u64 = 1 << 20;
/// What a busy machine and a program that is not optimised are let off with.
const LENIENCE: f64 = 6.0;

#[test]
fn what_was_backed_up_while_it_ran_serves_elsewhere() {
    // Of each app, Tidegate keeps twenty revisions.
    let (apps, revisions) = if full() { (5, 10) } else { (2, 2) };
    let mut tidegate = Tidegate::up();
    let hosts = deploy(&tidegate, apps, revisions);
    let scene = Scene::new();
    make_key(&tidegate, &scene);
    tidegate.end_control();
    add_events(&tidegate);
    tidegate.restart_with(&["--backup-dir", &scene.text("backups"), "--backup-every", "1h"]);
    one_made_by_itself(&tidegate, &scene);

    let (file, key, to) = (scene.text("one.backup"), scene.text("key"), scene.text("restored"));
    let begun = Instant::now();
    let made = json(&tidegate, &["backup", "-o", &file, "--identity", &key, "--json"]);
    figures::hold("a backup", begun.elapsed().as_secs_f64(), 5.0, "s", LENIENCE);
    println!("{made}");
    assert_eq!(made["checked"], "content", "{made}");
    assert!(made["content_bytes"].as_u64().unwrap() > u64::from(apps * revisions) * PAYLOAD_BYTES, "{made}");

    let begun = Instant::now();
    let restored = json(&tidegate, &["restore", &file, "--data", &to, "--identity", &key, "--json"]);
    assert_eq!(restored["moved_from"], fs::canonicalize(tidegate.data()).unwrap().to_str().unwrap());
    let other = Tidegate::up_in(Path::new(&to));
    let versions = |of: &Tidegate| hosts.iter().map(|host| version(of, host)).collect::<Option<Vec<_>>>();
    let served = eventually("all apps serve", WITHIN, || versions(&other));
    figures::hold("brought back, and all apps serve", begun.elapsed().as_secs_f64(), 10.0, "s", LENIENCE);
    assert_eq!(served, vec![format!("{revisions}\n"); hosts.len()]);
    assert_eq!(versions(&tidegate), Some(served), "the one it is of serves on");

    assert!(kinds(&other).iter().any(|kind| kind == "backup.restored"), "its timeline says so");
    assert_eq!(events_added(&to), EVENTS);
    let twice = tidegate.run(&["restore", &file, "--data", &to, "--identity", &key]);
    assert_eq!(twice.status.code(), Some(1), "{}", String::from_utf8_lossy(&twice.stderr));
}

/// A folder for files, which instances of what is restored there get through.
struct Scene(TempDir);

impl Scene {
    fn new() -> Scene {
        let passable = Permissions::from_mode(0o711);
        Scene(tempfile::Builder::new().prefix("tidegate-e2e-").permissions(passable).tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).into_os_string().into_string().unwrap()
    }
}

/// Apps with so many revisions each; their hosts.
fn deploy(tidegate: &Tidegate, apps: u32, revisions: u32) -> Vec<String> {
    let deploy_one = |number: u32| {
        let (name, mut app) = (format!("app{number}"), App::new());
        let text = fs::read_to_string(app.manifest()).unwrap();
        let text = text.replace("app: bad", &format!("app: {name}"));
        fs::write(app.manifest(), text.replace("bad.localhost", &format!("{name}.localhost"))).unwrap();
        for revision in 1..=revisions {
            let mut random = fs::File::open("/dev/urandom").unwrap().take(PAYLOAD_BYTES);
            std::io::copy(&mut random, &mut fs::File::create(app.path().join("payload")).unwrap()).unwrap();
            tidegate.deploy_well(&app);
            if revision < revisions {
                app.next_version();
            }
        }
        format!("{name}.localhost")
    };
    (1..=apps).map(deploy_one).collect()
}

/// Makes the key, of which nothing secret is kept.
fn make_key(tidegate: &Tidegate, scene: &Scene) {
    let made = tidegate.run(&["backup", "key"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = String::from_utf8(made.stdout).unwrap();
    let secret = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).unwrap();
    assert!(!is_kept(&tidegate.data(), secret));
    fs::write(scene.path("key"), text).unwrap();
}

/// What an installation has after a while.
fn add_events(tidegate: &Tidegate) {
    let mut store = Store::open(&tidegate.data().join("tidegate.db")).unwrap();
    let now = tidegate_os::clock::unix_ms();
    let added = store.transaction(|tx| {
        (0..EVENTS).try_for_each(|number| {
            tx.event(&Event::platform("test.filled", format!("event {number} of many")), now).map(drop)
        })
    });
    added.unwrap();
}

fn events_added(data: &str) -> u32 {
    let database = Path::new(data).join("tidegate.db");
    let database =
        rusqlite::Connection::open_with_flags(database, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let count = "SELECT count(*) FROM events WHERE body LIKE '%\"test.filled\"%'";
    database.query_row(count, [], |row| row.get(0)).unwrap()
}

/// The one that `up` makes: whole, by the key that is elsewhere.
fn one_made_by_itself(tidegate: &Tidegate, scene: &Scene) {
    eventually("one is made", WITHIN, || {
        kinds(tidegate).iter().any(|kind| kind == "backup.made").then_some(())
    });
    let file = fs::read_dir(scene.path("backups")).unwrap().next().unwrap().unwrap().path();
    let file = file.to_str().unwrap();
    let verified = json(tidegate, &["backup", "verify", file, "--identity", &scene.text("key"), "--json"]);
    assert!(verified["members"].as_u64().is_some_and(|members| members > 0), "{verified}");
    let said = String::from_utf8_lossy(&tidegate.run(&["doctor"]).stdout).into_owned();
    assert!(said.contains("the last backup was made"), "{said}");
}

fn kinds(tidegate: &Tidegate) -> Vec<String> {
    tidegate.events().into_iter().map(|event| event.kind).collect()
}

fn version(of: &Tidegate, host: &str) -> Option<String> {
    get(of.gateway(), host, "/version").ok().filter(|answer| answer.status == 200).map(|answer| answer.body)
}

fn json(tidegate: &Tidegate, args: &[&str]) -> Value {
    let output = tidegate.run(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whether a text is in any file of a folder.
fn is_kept(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().flatten().any(|item| match item.file_type() {
        Ok(kind) if kind.is_dir() => is_kept(&item.path(), text),
        Ok(kind) if kind.is_file() => {
            let bytes = fs::read(item.path()).unwrap_or_default();
            bytes.windows(text.len()).any(|window| window == text.as_bytes())
        }
        _ => false,
    })
}
