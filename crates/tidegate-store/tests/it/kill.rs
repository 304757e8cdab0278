//! A writer killed with SIGKILL at any moment leaves whole transactions, and every one it was told is kept.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use tidegate_core::model::*;
use tidegate_store::{Counter, EventFilter, Store, StoreError, Tx};

use crate::fixtures::*;

const FILE: &str = "TIDEGATE_STORE_KILL_TEST_FILE";
const ROUNDS: u64 = 25;

/// Everything in it says the same number.
fn write_number(tx: &Tx<'_>) -> Result<u64, StoreError> {
    let number = tx.next_id(Counter::Rollout)?;
    put_service(tx, "web")?;
    tx.put_rollout(&Rollout { progress: number as u32, ..rollout(1, "web", Phase::Progressing) })?;
    for id in ["web-1", "web-2"] {
        tx.put_instance(&key("web"), &Instance { generation: number, ..instance(id) })?;
    }
    tx.put_routing(&routing(number))?;
    tx.done(tx.outbox::<u64>()?.first().map_or(0, |(seq, _)| *seq))?;
    tx.push_action(&number)?;
    tx.event(&event("web", &"again ".repeat(200)), number)?;
    Ok(number)
}

/// The number everything in the store says.
fn agreed_number(store: &Store) -> u64 {
    let number = store.routing().unwrap().epoch;
    if number > 0 {
        let instances = store.instances_of(&key("web")).unwrap();
        assert_eq!(instances.iter().map(|one| one.generation).collect::<Vec<_>>(), [number, number]);
        assert_eq!(u64::from(store.rollout(RolloutId(1)).unwrap().unwrap().progress), number);
        assert_eq!(store.outbox::<u64>().unwrap().iter().map(|(_, n)| *n).collect::<Vec<_>>(), [number]);
        assert_eq!(store.last_events(&EventFilter::default(), 1).unwrap()[0].unix_ms, number);
    }
    assert_eq!(store.latest_seq().unwrap(), number);
    number
}

#[test]
#[ignore = "the writer that the test below starts as a process and kills"]
fn writer_to_be_killed() {
    let Some(path) = std::env::var_os(FILE) else { return };
    let mut store = Store::open(Path::new(&path)).unwrap();
    loop {
        let number = store.transaction(write_number).unwrap();
        if number.is_multiple_of(16) {
            store.checkpoint().unwrap();
        }
        // A parent that is gone ends it.
        writeln!(std::io::stdout(), "kept {number}").unwrap();
    }
}

fn start_writer(path: &Path) -> (Child, BufReader<ChildStdout>) {
    let mut writer = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer_to_be_killed", "--ignored", "--nocapture"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(writer.stdout.take().unwrap());
    (writer, output)
}

/// The last number a line says was kept; test harness lines say none.
fn last_kept(lines: &mut impl Iterator<Item = String>, until: usize) -> u64 {
    let numbers = lines.filter_map(|line| line.strip_prefix("kept ")?.parse().ok());
    numbers.take(until).last().unwrap_or(0)
}

#[test]
fn a_kill_leaves_whole_transactions() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tidegate.db");
    let mut before = 0;
    for round in 0..ROUNDS {
        let (mut writer, output) = start_writer(&path);
        let mut lines = output.lines().map_while(Result::ok);
        // Round 0 reads no line: the kill may come before the store is even made.
        let told = last_kept(&mut lines, (round * 3) as usize);
        writer.kill().unwrap();
        writer.wait().unwrap();
        let told = told.max(last_kept(&mut lines, usize::MAX)).max(before);
        let kept = agreed_number(&Store::open(&path).unwrap());
        assert!(kept >= told, "round {round}: told {told}, kept {kept}");
        before = kept;
    }
    assert!(before > ROUNDS, "the writers got somewhere: {before}");
}
