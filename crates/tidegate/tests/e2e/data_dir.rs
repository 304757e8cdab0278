//! The data directory: one holder at a time, what is damaged or not ours stays as it is, a full disk refuses new work only.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use tempfile::TempDir;

use crate::support::{App, Process, Tidegate, eventually, get, kill};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(20);

/// `tidegate up` on a directory it must not take: it ends by itself.
fn up(data: &Path) -> Output {
    let ports = ["--gateway", "127.0.0.1:0", "--api", "127.0.0.1:0"];
    let mut command = Command::new("timeout");
    command
        .args(["20", env!("CARGO_BIN_EXE_tidegate"), "up"])
        .args(ports)
        .arg("--data")
        .arg(data)
        .output()
        .unwrap()
}

/// What every file of a directory holds, besides the lock, the gateway's log, and what SQLite puts beside its file.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for item in fs::read_dir(folder).unwrap().flatten() {
        let kind = item.file_type().unwrap();
        if kind.is_dir() {
            found.extend(contents(&item.path()));
        } else if kind.is_file() && !besides(&item.file_name().to_string_lossy()) {
            found.insert(item.path(), fs::read(item.path()).unwrap());
        }
    }
    found
}

fn besides(name: &str) -> bool {
    ["lock", "gateway.log", "tidegate.db-shm", "tidegate.db-wal"].contains(&name)
}

/// It is refused with these words, and nothing in it has changed.
fn refused(data: &Path, words: &str) {
    let before = contents(data);
    let output = up(data);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains(words), "{said}");
    assert!(said.lines().last().unwrap().trim_start().starts_with("help: "), "{said}");
    let after = contents(data);
    let changed: Vec<_> = before.iter().filter(|(path, text)| after.get(*path) != Some(text)).collect();
    assert!(changed.is_empty(), "changed: {:?}", changed.iter().map(|(path, _)| path).collect::<Vec<_>>());
    let added: Vec<_> = after.keys().filter(|path| !before.contains_key(*path)).collect();
    assert!(added.is_empty(), "added: {added:?}");
    assert_eq!(Process::all_of(data), [], "nothing is left running");
}

/// A data directory that was used and left in good order.
fn used() -> (TempDir, PathBuf) {
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(&App::new());
    tidegate.down();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let copied = Command::new("cp").arg("-a").arg(tidegate.data()).arg(&data).status().unwrap();
    assert!(copied.success());
    // Whoever opens the database next takes in what SQLite left beside it: that is no change.
    let database = rusqlite::Connection::open(data.join("tidegate.db")).unwrap();
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(database);
    // The gateway would start with it where the last one is torn.
    let _ = fs::remove_file(data.join("gateway/table.json.1"));
    (folder, data)
}

#[test]
fn a_second_control_plane_is_refused_with_the_pid_of_the_first() {
    let tidegate = Tidegate::up();
    let output = up(&tidegate.data());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("(process {})", tidegate.control_pid())), "{said}");
    assert!(tidegate.run(&["status"]).status.success(), "the first goes on");
}

#[test]
fn a_foreign_directory_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "three years of work").unwrap();
    refused(folder.path(), "is not a data directory of Tidegate");
    fs::write(folder.path().join("tidegate.db"), "not a database at all").unwrap();
    refused(folder.path(), "is not a data directory of Tidegate");
}

#[test]
fn what_is_torn_is_refused_and_kept() {
    let (_folder, data) = used();
    let torn = [
        ("tidegate.json", "tidegate.json is damaged"),
        ("tidegate.db", "tidegate.db"),
        ("gateway/table.json", "table.json holds no routing table"),
    ];
    for (name, words) in torn {
        let whole = fs::read(data.join(name)).unwrap();
        fs::write(data.join(name), &whole[..whole.len() / 2 + 1]).unwrap();
        refused(&data, words);
        fs::write(data.join(name), b"").unwrap();
        refused(&data, words);
        fs::write(
            data.join(name),
            "something else altogether, long enough to look like a header".repeat(200),
        )
        .unwrap();
        refused(&data, words);
        fs::write(data.join(name), &whole).unwrap();
    }
    fs::write(data.join("gateway/table.json"), "{").unwrap();
    refused(
        &data,
        "table.json.bad`): the gateway starts without routes, and `tidegate up` hands it the newest",
    );
    fs::rename(data.join("tidegate.db"), data.join("elsewhere")).unwrap();
    refused(&data, "has lost its tidegate.db");
}

#[test]
fn what_a_newer_version_made_is_refused() {
    let (_folder, data) = used();
    fs::write(data.join("tidegate.json"), r#"{"tidegate_data_directory":999}"#).unwrap();
    refused(&data, "was made by a newer Tidegate");
    fs::write(data.join("tidegate.json"), r#"{"tidegate_data_directory":1}"#).unwrap();
    let mut database = fs::File::options().write(true).open(data.join("tidegate.db")).unwrap();
    // `user_version` of SQLite's header, big endian at byte 60.
    std::io::Seek::seek(&mut database, std::io::SeekFrom::Start(60)).unwrap();
    database.write_all(&999_u32.to_be_bytes()).unwrap();
    drop(database);
    refused(&data, "newer");
}

#[test]
fn up_after_down_brings_the_services_back() {
    let mut tidegate = Tidegate::up();
    tidegate.deploy_well(&App::new());
    tidegate.down();
    tidegate.restart();
    eventually("the service answers", LONG, || {
        get(tidegate.gateway(), HOST, "/version").ok().filter(|answer| answer.body == "1\n")
    });
    tidegate.kill9_control();
    // `down` stops what runs also where no control plane does; it looks for leftovers by itself.
    tidegate.down();
}

#[test]
fn secrets_are_for_the_owner_and_the_api_needs_its_token() {
    let tidegate = Tidegate::up();
    for name in ["token", "tidegate.db", "api.sock"] {
        let mode = fs::metadata(tidegate.data().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    let address = tidegate.api();
    let url = format!("http://{address}");
    assert_eq!(get(address, "localhost", "/v1/status").unwrap().status, 401);
    let ask = |token: &str| {
        tidegate.command(&["status"]).env("TIDEGATE_API", &url).env("TIDEGATE_TOKEN", token).output().unwrap()
    };
    let token = fs::read_to_string(tidegate.data().join("token")).unwrap();
    assert!(ask(&token).status.success());
    let refused = ask("wrong");
    assert!(!refused.status.success());
    assert!(!String::from_utf8_lossy(&refused.stderr).contains(token.trim()));
}

/// A small file system of its own, taken down at the end.
struct Small(TempDir);

impl Small {
    fn mount() -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("tidegate-small-").tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m,mode=711", "tmpfs"]).arg(folder.path());
        mount.output().ok()?.status.success().then_some(Small(folder))
    }

    fn fill(&self) -> PathBuf {
        let path = self.0.path().join("filler");
        let mut file = fs::File::create(&path).unwrap();
        for size in [64 << 10, 1 << 10, 1] {
            while file.write_all(&vec![b'x'; size]).is_ok() {}
        }
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_refuses_a_deploy_and_serves_on() {
    let Some(small) = Small::mount() else {
        println!("skipped: no right to mount a small file system");
        return;
    };
    let tidegate = Tidegate::up_in(&small.0.path().join("data"));
    let mut app = App::new();
    tidegate.deploy_well(&app);
    let filler = small.fill();
    let output = tidegate.command(&["deploy", "--wait"]).arg(app.next_version().path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("deploy::disk-full"), "{said}");
    for _ in 0..20 {
        let answer = get(tidegate.gateway(), HOST, "/version").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "1\n"));
    }
    assert!(tidegate.run(&["status"]).status.success());
    fs::remove_file(filler).unwrap();
    tidegate.deploy_well(&app);
    assert_eq!(get(tidegate.gateway(), HOST, "/version").unwrap().body, "2\n");
    drop(tidegate);
}

#[test]
fn what_cannot_be_logged_is_no_reason_to_end() {
    let mut tidegate = Tidegate::up();
    let app = App::new();
    tidegate.deploy_well(&app);
    tidegate.restart_unheard();
    let (control, gateway) = (tidegate.control_pid(), tidegate.gateway_pid());
    for _ in 0..20 {
        assert_eq!(get(tidegate.gateway(), HOST, "/version").unwrap().body, "1\n");
    }
    assert!(tidegate.run(&["scale", "web=3"]).status.success());
    tidegate.wait_for("three are there", LONG, |service| {
        service.stable.as_ref().is_some_and(|stable| stable.ready == 3)
    });
    assert_eq!((tidegate.control_pid(), tidegate.gateway_pid()), (control, gateway));
    assert!(gateway.is_some());
}

#[test]
fn a_port_that_was_chosen_stays() {
    let mut tidegate = Tidegate::up_anywhere();
    let address = tidegate.status().gateway.address.unwrap();
    assert!(address.starts_with("127.0.0.1:") && !address.ends_with(":0"), "{address}");
    let again = |tidegate: &Tidegate, before: u32| {
        eventually("another gateway serves", Duration::from_secs(20), || {
            let gateway = tidegate.status().gateway;
            gateway.address.filter(|_| gateway.connected && gateway.pid != Some(before))
        })
    };
    let first = tidegate.gateway_pid().unwrap();
    kill(first, 9);
    assert_eq!(again(&tidegate, first), address, "started again by the control plane");
    let second = tidegate.gateway_pid().unwrap();
    tidegate.kill9_control();
    kill(second, 9);
    tidegate.restart();
    assert_eq!(again(&tidegate, second), address, "started again with the control plane");
}
