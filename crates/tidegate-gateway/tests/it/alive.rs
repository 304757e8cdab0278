//! A gateway that is killed serves again by what is on disk.

use std::time::Duration;

use tidegate_core::model::RouteTable;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;
use crate::stage::{Process, connected, link, until};

#[test]
fn the_next_gateway_serves_without_a_control_plane() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::saying("still here");
    let first = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
    let (control, _) = link(dir.path());
    let address = connected(&control);
    control.push(&table(7, &[("web-1", upstream.address)]));
    until("the table is used", || (control.observe().acked == 7).then_some(()));
    drop(control);
    drop(first);
    let _second = Process::start(dir.path(), address);
    until("it listens again", || std::net::TcpStream::connect(address).ok());
    assert_eq!(Client::new(address).get("a", "/").text(), "still here");
}

#[test]
fn a_torn_table_is_replaced_by_the_one_before() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::saying("as before");
    let first = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
    let (control, _) = link(dir.path());
    let address = connected(&control);
    let epoch = |name: &str| {
        let bytes = std::fs::read(dir.path().join(name)).ok()?;
        Some(serde_json::from_slice::<RouteTable>(&bytes).unwrap().epoch)
    };
    let mut newest = 6;
    // The one before is kept where the disk has it for sure, which takes a moment.
    let before = until("one is kept", || {
        newest += 1;
        control.push(&table(newest, &[("web-1", upstream.address)]));
        until("the table is used", || (control.observe().acked == newest).then_some(()));
        epoch("table.json.1")
    });
    assert!(before < newest);
    until("the newest is there whole", || {
        let alone = !dir.path().join("table.changes").exists();
        (alone && epoch("table.json") == Some(newest)).then_some(())
    });
    let before = epoch("table.json.1").unwrap();
    drop((control, first));
    std::fs::write(dir.path().join("table.json"), "{\"epoch\":8,\"rou").unwrap();
    let second = Process::start(dir.path(), address);
    let (control, _) = link(dir.path());
    until("the table before is used", || (control.observe().acked == before).then_some(()));
    assert_eq!(Client::new(address).get("a", "/").text(), "as before");
    drop((control, second));
    assert_eq!(epoch("table.json"), Some(before), "the torn one is out of the way");
}

/// Whatever was acknowledged is there after a kill, at any moment.
#[test]
fn a_gateway_that_is_killed_goes_not_back_behind_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut address = "127.0.0.1:0".parse().unwrap();
    let (mut acked, mut next) = (0, 1);
    for round in 0..8 {
        let gateway = Process::start(dir.path(), address);
        let (control, _) = link(dir.path());
        address = connected(&control);
        assert!(control.observe().acked >= acked, "it began with {:?} after {acked}", control.observe());
        for _ in 0..round * 3 {
            control.push(&table(next, &[]));
            next += 1;
        }
        until("some are acknowledged", || (round == 0 || control.observe().acked > acked).then_some(()));
        acked = control.observe().acked;
        drop(gateway);
        // What it said before it was killed may only be heard now.
        until("its end is seen", || (!control.observe().alive).then_some(()));
        acked = acked.max(control.observe().acked);
    }
    assert!(acked > 20, "{acked}");
}

#[test]
fn a_link_finds_the_next_gateway_and_hands_it_the_newest_table() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::saying("newest");
    let (control, _) = link(dir.path());
    control.push(&table(3, &[("web-1", upstream.address)]));
    let first = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
    let pid = until("it is used", || control.observe().pid.filter(|_| control.observe().acked == 3));
    drop(first);
    until("its end is seen", || (!control.observe().alive).then_some(()));
    std::fs::remove_file(dir.path().join("table.json")).unwrap();
    control.push(&table(4, &[("web-1", upstream.address)]));
    let _second = Process::start(dir.path(), "127.0.0.1:0".parse().unwrap());
    until("the next one uses it", || {
        let seen = control.observe();
        (seen.alive && seen.acked == 4 && seen.pid != Some(pid)).then_some(())
    });
    let address = connected(&control);
    assert_eq!(Client::new(address).get("a", "/").text(), "newest");
    control.shutdown(Duration::ZERO);
    until("it ends", || (!control.observe().alive).then_some(()));
}
