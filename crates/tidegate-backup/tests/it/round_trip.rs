//! What is brought back is what was there.

use std::fs;

use tidegate_backup::{
    Checked, LastBackup, Recipients, Success, Trouble, Unlock, recipients_of, restore, verify,
};
use tidegate_core::event::Event;
use tidegate_core::model::BuildPhase;
use tidegate_store::{EventFilter, Store};

use crate::installation::{Installation, build, contents, open_up, service, write};

/// What is made anew, or of the database, which is looked at otherwise.
fn besides(path: &std::path::Path) -> bool {
    let text = path.to_str().unwrap();
    [
        "units",
        "cache",
        "logs",
        "lock",
        "gateway/table.json",
        "git/shop.git/refs/heads/main.lock",
        "backup/lock",
        "staging",
    ]
    .iter()
    .any(|begin| path.starts_with(begin))
        || text.starts_with("tidegate.db")
}

#[test]
fn everything_that_is_not_made_again_comes_back_as_it_was() {
    let installation = Installation::new();
    let made = installation.make();
    assert_eq!((made.checked, made.absent.len()), (Checked::Content, 0));
    let to = installation.dir.path().join("elsewhere/data");
    let restored = restore(&installation.file(), &to, &installation.unlock, 2_000).unwrap();
    assert_eq!(restored.moved_from, Some(fs::canonicalize(installation.data()).unwrap()));
    let mut before = contents(&installation.data());
    before.retain(|path, _| !besides(path));
    let mut after = contents(&to);
    after.retain(|path, _| !besides(path));
    assert_eq!(after, before);
    for gone in ["units", "cache", "logs", "gateway/table.json", "git/shop.git/refs/heads/main.lock"] {
        assert!(!to.join(gone).exists(), "{gone}");
    }
    assert!(
        !fs::exists(installation.data().join("staging/backup")).unwrap(),
        "no copy of the database is left"
    );
}

#[test]
fn what_still_runs_elsewhere_is_older_than_what_was_brought_back() {
    let installation = Installation::new();
    installation.make();
    let to = installation.dir.path().join("restored");
    restore(&installation.file(), &to, &installation.unlock, 2_000).unwrap();
    let store = Store::open(&to.join("tidegate.db")).unwrap();
    assert_eq!(store.all_instances().unwrap()[&service()][0].generation, 1_005);
    assert!(store.routing().unwrap().epoch >= 1_000_000);
    let events = store.last_events(&EventFilter::default(), 10).unwrap();
    let kinds: Vec<&str> = events.iter().map(|seen| seen.event.kind.as_str()).collect();
    assert_eq!(kinds, ["test", "backup.restored"]);
}

#[test]
fn logs_and_caches_are_in_it_where_they_are_asked_for() {
    let installation = Installation::new();
    installation.make_as(true, None);
    let to = installation.dir.path().join("restored");
    restore(&installation.file(), &to, &installation.unlock, 2_000).unwrap();
    assert_eq!(fs::read_to_string(to.join("logs/web-1/0")).unwrap(), "said");
    assert_eq!(fs::read_to_string(to.join("cache/shop/fetched")).unwrap(), "x");
}

#[test]
fn a_key_that_is_not_at_hand_is_no_obstacle_and_said() {
    let installation = Installation::new();
    let made = installation.make_as(false, None);
    assert_eq!(made.checked, Checked::Bytes);
    assert_eq!(verify(&installation.file(), &installation.unlock).unwrap().members, made.members);
    let bytes = fs::read(installation.file()).unwrap();
    let inside = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(!inside("t0ken") && !inside("secrets/shop.env"), "it is encrypted");
}

#[test]
fn a_passphrase_does_as_well_and_another_does_not() {
    let installation = Installation::new();
    let passphrase = installation.dir.path().join("passphrase");
    fs::write(&passphrase, "correct horse battery\nthe rest is not read").unwrap();
    let recipients = Recipients::passphrase_in(&passphrase).unwrap();
    let made = installation.try_to(&installation.file(), &recipients, false, None).unwrap();
    assert_eq!(made.checked, Checked::Content, "it was at hand");
    assert!(verify(&installation.file(), &installation.unlock).unwrap_err().is_mistake());
    fs::write(&passphrase, "correct horse bettery").unwrap();
    let other = Unlock::passphrase_in(&passphrase).unwrap();
    assert!(verify(&installation.file(), &other).unwrap_err().is_mistake());
}

#[test]
fn builds_that_come_and_go_meanwhile_are_in_it_or_known_to_be_gone() {
    let mut installation = Installation::new();
    // Known as ready, and its folder was removed by hand.
    installation.store.transaction(|tx| tx.put_build(&build("gone"))).unwrap();
    installation.build("unknown", 1);
    let made = installation.make();
    assert_eq!(made.absent, ["gone"]);
    let to = installation.dir.path().join("restored");
    restore(&installation.file(), &to, &installation.unlock, 2_000).unwrap();
    let store = Store::open(&to.join("tidegate.db")).unwrap();
    let phases: Vec<BuildPhase> = store.builds().unwrap().into_iter().map(|build| build.phase).collect();
    assert_eq!(phases, [BuildPhase::Ready, BuildPhase::Pruned]);
    assert!(to.join("builds/one/run").exists() && !to.join("builds/unknown").exists());
}

#[test]
fn it_is_made_while_the_store_is_written_to() {
    let mut installation = Installation::new();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let data = installation.data();
    // The store goes to the thread that writes, as the control loop has it.
    let store = std::mem::replace(&mut installation.store, Store::in_memory().unwrap());
    let writer = std::thread::spawn(move || {
        let (mut store, mut written, mut slowest) = (store, 0u64, std::time::Duration::ZERO);
        while stopped.try_recv().is_err() {
            let begun = std::time::Instant::now();
            store.transaction(|tx| tx.event(&Event::platform("test", "on"), 1)).unwrap();
            slowest = slowest.max(begun.elapsed());
            written += 1;
        }
        (written, slowest)
    });
    for number in 0..5 {
        let to = installation.dir.path().join(format!("{number}.backup"));
        let recipients = recipients_of(&data).unwrap().unwrap();
        installation.try_to(&to, &recipients, false, Some(&installation.unlock)).unwrap();
    }
    stop.send(()).unwrap();
    let (written, slowest) = writer.join().unwrap();
    println!("{written} transactions during five backups, the slowest took {slowest:?}");
    assert!(written > 5, "the writer was kept waiting");
}

#[test]
fn a_second_one_at_the_same_time_a_place_within_and_what_is_there_are_refused() {
    let installation = Installation::new();
    let recipients = recipients_of(&installation.data()).unwrap().unwrap();
    let attempt = |to: &std::path::Path| installation.try_to(to, &recipients, false, None);
    assert!(attempt(&installation.data().join("x.backup")).unwrap_err().is_mistake());
    assert!(attempt(&installation.data().join("builds/x.backup")).unwrap_err().is_mistake());
    assert!(attempt(installation.dir.path()).unwrap_err().is_mistake());
    let held = tidegate_os::lock::Lock::acquire(&installation.data().join("backup/lock")).unwrap();
    let refused = attempt(&installation.file()).unwrap_err();
    assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
    drop(held);
    installation.make();
    let to = installation.dir.path().join("taken");
    write(&to.join("thesis.txt"), "three years of work");
    assert!(restore(&installation.file(), &to, &installation.unlock, 1).unwrap_err().is_mistake());
    assert_eq!(contents(&to).len(), 1);
    // What a killed one left beside it is taken away by the next.
    let left = installation.dir.path().join(".restored.restoring");
    write(&left.join("half/of.it"), "x");
    restore(&installation.file(), &installation.dir.path().join("restored"), &installation.unlock, 1)
        .unwrap();
    assert!(!left.exists());
    open_up(installation.dir.path());
}

#[test]
fn what_became_of_the_last_one_is_remembered() {
    let installation = Installation::new();
    let data = installation.data();
    assert_eq!(LastBackup::of(&data), LastBackup::default());
    let good = Success { unix_ms: 5, file: "/b".into(), bytes: 7 };
    LastBackup::succeeded(&data, good.clone()).unwrap();
    LastBackup::failed(&data, Trouble { unix_ms: 9, why: "no room".to_owned() }).unwrap();
    let last = LastBackup::of(&data);
    assert_eq!((last.good, last.trouble.map(|trouble| trouble.unix_ms)), (Some(good.clone()), Some(9)));
    LastBackup::succeeded(&data, good).unwrap();
    assert_eq!(LastBackup::of(&data).trouble, None);
}
