//! The control socket: epochs, acknowledgements, refusals, counts.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tidegate_core::model::{ArmCounts, ArmRole, RouteChange, RouteCounts, RouteTable};
use tidegate_gateway::control::protocol::{Command, Message};
use tidegate_gateway::{GatewayConfig, GatewayError, gateway_main};

use crate::stage::client::Client;
use crate::stage::table::{arm, route, table, with_arms};
use crate::stage::upstream::Upstream;
use crate::stage::{Stage, until};

/// The counts, once they are as wanted.
pub fn counts_when(stage: &Stage, wanted: impl Fn(&[ArmCounts]) -> bool) -> Vec<ArmCounts> {
    until("the counts arrive", || {
        let rows = stage.link.observe().counts?.rows;
        wanted(&rows).then_some(rows)
    })
}

struct Raw {
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Raw {
    fn new(stage: &Stage) -> Raw {
        let stream = tidegate_os::socket::connect(&stage.dir.path().join("control.sock")).unwrap();
        let reader = BufReader::new(stream.try_clone().unwrap());
        Raw { stream, reader }
    }

    fn say(&mut self, command: &Command) {
        let mut line = serde_json::to_vec(command).unwrap();
        line.push(b'\n');
        self.stream.write_all(&line).unwrap();
    }

    fn hear_any(&mut self) -> Message {
        let mut line = String::new();
        assert!(self.reader.read_line(&mut line).unwrap() > 0);
        serde_json::from_str(&line).unwrap()
    }

    /// The next message that is no report.
    fn hear(&mut self) -> Message {
        loop {
            match self.hear_any() {
                Message::Report { .. } => {}
                message => return message,
            }
        }
    }

    fn apply(&mut self, table: &RouteTable) -> Message {
        self.say(&Command::Apply(table.clone()));
        self.hear()
    }
}

fn acked(message: &Message) -> Option<u64> {
    match message {
        Message::Ack { epoch, .. } => Some(*epoch),
        _ => None,
    }
}

fn refused(message: &Message) -> Option<(u64, u64)> {
    match message {
        Message::Refused { epoch, current, .. } => Some((*epoch, *current)),
        _ => None,
    }
}

#[test]
fn an_epoch_is_acknowledged_again_but_never_older_or_changed() {
    let stage = Stage::new();
    let upstream = Upstream::saying("here");
    let mut raw = Raw::new(&stage);
    assert!(matches!(raw.hear(), Message::Hello { epoch: 0, .. }));
    let (four, five) = (table(4, &[]), table(5, &[("web-1", upstream.address)]));
    assert_eq!(acked(&raw.apply(&five)), Some(5));
    assert_eq!(acked(&raw.apply(&five)), Some(5));
    assert_eq!(refused(&raw.apply(&four)), Some((4, 5)));
    assert_eq!(refused(&raw.apply(&table(5, &[]))), Some((5, 5)));
    let mut second = Raw::new(&stage);
    assert!(matches!(second.hear(), Message::Hello { epoch: 5, .. }));
    assert_eq!(acked(&second.apply(&five)), Some(5));
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "here");
}

#[test]
fn a_table_that_makes_no_sense_is_refused_whole() {
    let stage = Stage::new();
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let wrong = with_arms(2, vec![arm(ArmRole::Stable, 1, 90, &[("web-1", upstream.address)])]);
    stage.link.push(&wrong);
    let why = until("it is refused", || stage.link.refusal());
    assert!(why.contains("sum to 90"), "{why}");
    assert_eq!(stage.link.observe().acked, 1);
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "here");
}

#[test]
fn a_change_is_of_the_table_in_use_or_the_whole_one_is_wanted() {
    let stage = Stage::new();
    let (one, two) = (Upstream::saying("one"), Upstream::saying("two"));
    let tables = [(1, one.address), (2, two.address), (3, one.address)]
        .map(|(epoch, address)| table(epoch, &[("web-1", address)]));
    let mut raw = Raw::new(&stage);
    assert!(matches!(raw.hear(), Message::Hello { takes_changes: true, .. }));
    assert_eq!(acked(&raw.apply(&tables[0])), Some(1));
    raw.say(&Command::Change(RouteChange::between(&tables[0], &tables[1])));
    assert_eq!(acked(&raw.hear()), Some(2));
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "two");
    until("the two are made one", || (stage.kept() == tables[1]).then_some(()));
    // Of a table that is not in use any more.
    raw.say(&Command::Change(RouteChange::between(&tables[0], &tables[2])));
    assert!(matches!(raw.hear(), Message::Whole { epoch: 3 }));
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "two");
}

/// So many routes that a report is given in pieces, all of them to one service.
fn many_routes(upstream: &Upstream) -> RouteTable {
    routes_to(upstream, 300)
}

fn routes_to(upstream: &Upstream, many: usize) -> RouteTable {
    let mut table = table(1, &[("web-1", upstream.address)]);
    table.routes.clear();
    (0..many).for_each(|n| route(&mut table, &format!("h{n}.test"), "/", "app/dev/web"));
    table
}

/// What the next whole report says of instances and of routes, and in how many pieces it came.
fn told(raw: &mut Raw) -> (Vec<ArmCounts>, Vec<RouteCounts>, usize) {
    let (mut rows, mut routes, mut pieces) = (Vec::new(), Vec::new(), 0);
    loop {
        match raw.hear_any() {
            Message::Piece { rows: more, routes: others } => {
                assert!(more.len() <= 128 && others.len() <= 128);
                rows.extend(more);
                routes.extend(others);
                pieces += 1;
            }
            Message::Report { counts, in_pieces, .. } => {
                assert_eq!(in_pieces, pieces > 0);
                assert!(!in_pieces || counts.rows.is_empty() && counts.routes.is_empty());
                rows.extend(counts.rows);
                routes.extend(counts.routes);
                return (rows, routes, pieces);
            }
            message => panic!("{message:?}"),
        }
    }
}

#[test]
fn a_report_that_is_slow_to_be_read_says_everything_once() {
    let (stage, upstream) = (Stage::new(), Upstream::saying("here"));
    let mut raw = Raw::new(&stage);
    assert!(matches!(raw.hear(), Message::Hello { .. }));
    raw.say(&Command::TakesPieces);
    // More than fits into the socket.
    assert_eq!(acked(&raw.apply(&routes_to(&upstream, 5_000))), Some(1));
    until("it comes in pieces", || (told(&mut raw).2 > 0).then_some(()));
    for _ in 0..2 {
        // The time for the next one comes while this one is on its way.
        std::thread::sleep(Duration::from_millis(2_500));
        let (_, routes, _) = told(&mut raw);
        let hosts: BTreeSet<&str> = routes.iter().map(|route| route.host.as_str()).collect();
        assert_eq!((routes.len(), hosts.len()), (5_000, 5_000));
    }
}

#[test]
fn a_large_report_comes_in_pieces_to_who_takes_them() {
    let (stage, upstream) = (Stage::new(), Upstream::saying("here"));
    let mut raw = Raw::new(&stage);
    assert!(matches!(raw.hear(), Message::Hello { gives_pieces: true, .. }));
    assert_eq!(acked(&raw.apply(&many_routes(&upstream))), Some(1));
    assert_eq!(Client::new(stage.address).get("h7.test", "/").status(), 200);
    let (_, routes, pieces) = told(&mut raw);
    assert_eq!((routes.len(), pieces), (300, 0));
    raw.say(&Command::TakesPieces);
    let (rows, routes, pieces) =
        until("it comes in pieces", || Some(told(&mut raw)).filter(|told| told.2 > 0));
    assert_eq!((rows.len(), rows[0].outcomes.good, routes.len(), pieces), (1, 1, 300, 4));
    let asked: Vec<_> = routes.iter().filter(|route| route.answers.success == 1).collect();
    assert_eq!((asked.len(), asked[0].host.as_str()), (1, "h7.test"));
}

#[test]
fn the_link_puts_the_pieces_together() {
    let (stage, upstream) = (Stage::new(), Upstream::saying("here"));
    stage.apply(&many_routes(&upstream));
    assert_eq!(Client::new(stage.address).get("h7.test", "/").status(), 200);
    for _ in 0..2 {
        let counts = until("the counts arrive", || {
            let counts = stage.link.observe().counts?;
            (counts.rows.len() == 1).then_some(counts)
        });
        assert_eq!((counts.rows[0].outcomes.good, counts.routes.len()), (1, 300));
        let at = counts.at_ms;
        until("another report is here", || (stage.link.observe().counts?.at_ms > at).then_some(()));
    }
}

#[test]
fn the_link_goes_on_after_a_refused_table_and_after_another_control_plane() {
    let stage = Stage::new();
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    stage.link.push(&with_arms(2, vec![arm(ArmRole::Stable, 1, 90, &[("web-1", upstream.address)])]));
    until("it is refused", || stage.link.refusal());
    // What it said last is not what the gateway has.
    stage.apply(&table(3, &[("web-2", upstream.address)]));
    let mut other = Raw::new(&stage);
    other.hear();
    assert_eq!(acked(&other.apply(&table(4, &[]))), Some(4));
    stage.apply(&table(5, &[("web-1", upstream.address)]));
    assert_eq!(Client::new(stage.address).get("a", "/").text(), "here");
}

#[test]
fn the_file_comes_to_hold_the_acknowledged_table() {
    let stage = Stage::new();
    stage.apply(&table(1, &[]));
    assert_eq!(stage.kept(), table(1, &[]), "a whole one is there before it is acknowledged");
    for epoch in 2..=5 {
        let table = table(epoch, &[]);
        stage.apply(&table);
        let changes = std::fs::read_to_string(stage.dir.path().join("table.changes")).unwrap_or_default();
        let is_added = changes.contains(&format!("\"epoch\":{epoch}"));
        assert!(is_added || stage.kept() == table, "neither it nor what makes it is there: {changes}");
    }
    until("it is there whole", || (stage.kept() == table(5, &[])).then_some(()));
}

#[test]
fn outcomes_and_latencies_are_counted_per_instance() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            let status = request.line.split(' ').nth(1).unwrap()[1..].to_owned();
            connection.say(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for status in ["200", "302", "404", "500", "503", "503"] {
        assert_eq!(client.get("a", &format!("/{status}")).status().to_string(), status);
    }
    let rows = counts_when(&stage, |rows| rows.iter().any(|row| row.outcomes.total() == 6));
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.upstream.as_str(), row.role, row.revision.0), ("app/dev/web", ArmRole::Stable, 1));
    assert_eq!((row.outcomes.good, row.outcomes.client_error, row.outcomes.server_error), (2, 1, 3));
    assert_eq!(row.latencies.total(), 6);
    assert!(row.latencies.quantile_ns(1.0) < Some(60_000_000_000));
}

#[test]
fn unrouted_requests_are_counted() {
    let stage = Stage::new();
    stage.apply(&RouteTable { epoch: 1, ..RouteTable::default() });
    let mut client = Client::new(stage.address);
    for _ in 0..3 {
        assert_eq!(client.get("a", "/").status(), 404);
    }
    until("they are counted", || stage.link.observe().counts.filter(|counts| counts.unrouted == 3));
}

#[test]
fn a_second_gateway_in_the_directory_is_refused() {
    let stage = Stage::new();
    let config = GatewayConfig::new(stage.dir.path().to_owned(), "127.0.0.1:0".parse().unwrap());
    match gateway_main(config) {
        Err(GatewayError::Held { pid, .. }) => assert_eq!(pid, std::process::id()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_foreign_file_in_the_tables_place_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("table.json");
    std::fs::write(&path, "not a table").unwrap();
    let config = GatewayConfig::new(dir.path().to_owned(), "127.0.0.1:0".parse().unwrap());
    assert!(matches!(gateway_main(config), Err(GatewayError::Table { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"not a table");
}
