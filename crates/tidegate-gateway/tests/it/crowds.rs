//! More clients than the process has descriptors for.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;
use crate::stage::{Process, connected, link, until};

/// What the gateway may have open, and how many clients it then takes.
const FILES: u32 = 256;
const SEATS: usize = 96;
const CROWD: usize = 300;

/// Whether the gateway has closed it.
fn is_refused(stream: &mut TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    match stream.read(&mut [0; 1]) {
        Ok(read) => read == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// Ticks of the processor that a process has used.
fn ticks(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn crowd(address: SocketAddr) -> Vec<TcpStream> {
    (0..CROWD).map(|_| TcpStream::connect(address).unwrap()).collect()
}

#[test]
fn the_newest_give_way_and_the_others_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let upstream = Upstream::saying("served");
    let process = Process::start_with_files(dir.path(), "127.0.0.1:0".parse().unwrap(), FILES);
    let (control, _) = link(dir.path());
    let address = connected(&control);
    control.push(&table(1, &[("web-1", upstream.address)]));
    until("the table is used", || (control.observe().acked == 1).then_some(()));
    let mut early: Vec<Client> = (0..20).map(|_| Client::new(address)).collect();
    early.iter_mut().for_each(|client| assert_eq!(client.get("a", "/").text(), "served"));

    let mut late = crowd(address);
    let most = SEATS - early.len();
    until("all but as many as fit are closed", || {
        late.retain_mut(|stream| !is_refused(stream));
        (late.len() == most).then_some(())
    });
    early.iter_mut().for_each(|client| assert_eq!(client.get("a", "/").text(), "served"));
    let counted = until("the refused are counted", || {
        let front = control.observe().counts?.front;
        (front.connections_refused as usize == CROWD - most).then_some(front)
    });
    assert_eq!(counted.connections_open as usize, SEATS);
    // With the crowd still there.
    let before = ticks(process.0.id());
    let start = std::time::Instant::now();
    until("time passes", || (start.elapsed() > Duration::from_secs(1)).then_some(()));
    assert!(ticks(process.0.id()) - before < 50, "it waits, it does not spin");

    drop((early, late));
    until("there is room again", || {
        let mut client = Client::new(address);
        let asked = std::io::Write::write_all(&mut client.stream, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        asked.ok().and_then(|()| client.head()).filter(|head| head.status() == 200)
    });
}
