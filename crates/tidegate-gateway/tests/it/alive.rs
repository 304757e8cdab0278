//! A gateway that is killed serves again by what is on disk.

use std::time::Duration;

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
    for epoch in [7, 8] {
        control.push(&table(epoch, &[("web-1", upstream.address)]));
        until("the table is used", || (control.observe().acked == epoch).then_some(()));
    }
    drop((control, first));
    std::fs::write(dir.path().join("table.json"), "{\"epoch\":8,\"rou").unwrap();
    let _second = Process::start(dir.path(), address);
    let (control, _) = link(dir.path());
    until("the table before is used", || (control.observe().acked == 7).then_some(()));
    assert_eq!(Client::new(address).get("a", "/").text(), "as before");
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
