//! `/metrics` of the gateway itself.

use std::net::SocketAddr;

use tidegate_core::model::{Breaker, Mirror, MirrorTo, Outliers, TrafficPolicy};
use tidegate_core::time::Millis;
use tidegate_gateway::{Limits, Observe};

use crate::balance::with_policy;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, nobody, ok};
use crate::stage::{Stage, until};

const WEB: &str = "app=\"app\",environment=\"dev\",service=\"web\"";

/// A gateway, and where its metrics are.
fn measured() -> (Stage, SocketAddr) {
    let address = nobody();
    let stage = Stage::observing(Limits::default(), Observe { metrics: Some(address), ..Observe::default() });
    until("metrics are served", || std::net::TcpStream::connect(address).ok());
    (stage, address)
}

/// Waits for a line. `arm`: with its labels and the service's.
fn waits_for(address: SocketAddr, family: &str, labels: &str, value: &str) {
    let wanted = format!("{family}{{{WEB},{labels}}} {value}");
    until(&wanted, || {
        let text = Client::new(address).get("a", "/metrics").text();
        text.lines().any(|line| line == wanted).then_some(())
    });
}

fn broken() -> Upstream {
    Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(ok("no").replace("200 OK", "500 No"));
        }
    })
}

#[test]
fn requests_in_flight_are_there_before_the_first_one_ends() {
    let (stage, address) = measured();
    let (asked, heard) = std::sync::mpsc::channel();
    let upstream = Upstream::new(move |connection| {
        let _ = (connection.request(), asked.send(()), connection.request());
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    heard.recv().unwrap();
    let labels = "arm=\"stable\",revision=\"r1\",instance=\"web-1\"";
    waits_for(address, "tidegate_instance_inflight", labels, "1");
    drop(client);
    waits_for(address, "tidegate_instance_inflight", labels, "0");
}

#[test]
fn who_is_left_out_and_whose_circuit_is_open_is_seen() {
    let (stage, address) = measured();
    let (well, sick) = (Upstream::saying("well"), broken());
    let outliers = Some(Outliers { consecutive: 3, eject: Millis(60_000), max_share: 50 });
    let policy = TrafficPolicy { outliers, ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(1, &[("web-1", well.address), ("web-2", sick.address)]), &policy));
    let mut client = Client::new(stage.address);
    for _ in 0..20 {
        client.get("a", "/");
    }
    let labels = |id: &str| format!("arm=\"stable\",revision=\"r1\",instance=\"{id}\"");
    waits_for(address, "tidegate_instance_ejected", &labels("web-2"), "1");
    waits_for(address, "tidegate_instance_ejected", &labels("web-1"), "0");

    let breaker = Breaker { failures: 50, min_requests: 5, window: Millis(10_000), open: Millis(60_000) };
    let policy = TrafficPolicy { breaker: Some(breaker), ..TrafficPolicy::default() };
    stage.apply(&with_policy(table(2, &[("web-2", sick.address)]), &policy));
    waits_for(address, "tidegate_circuit_open", "arm=\"stable\",revision=\"r1\"", "0");
    for _ in 0..6 {
        client.get("a", "/");
    }
    waits_for(address, "tidegate_circuit_open", "arm=\"stable\",revision=\"r1\"", "1");
}

#[test]
fn copies_are_counted_by_what_became_of_them() {
    let (stage, address) = measured();
    let (web, other) = (Upstream::saying("one"), Upstream::saying("two"));
    let mut table = table(1, &[("web-1", web.address)]);
    let mut copied = table.upstreams["app/dev/web"].clone();
    copied.arms[0].endpoints[0].address = other.address.into();
    table.upstreams.insert("app/dev/other".to_owned(), copied);
    let to = MirrorTo::Upstream("app/dev/other".to_owned());
    table.upstreams.get_mut("app/dev/web").unwrap().policy.mirror = Some(Mirror::plain(to, 100));
    stage.apply(&table);
    for _ in 0..3 {
        assert_eq!(Client::new(stage.address).get("a", "/").text(), "one");
    }
    waits_for(address, "tidegate_mirror_total", "outcome=\"different\"", "3");
    waits_for(address, "tidegate_mirror_total", "outcome=\"same\"", "0");
}

#[test]
fn metrics_are_served_where_asked_for_and_nowhere_else() {
    let address = nobody();
    let stage = Stage::observing(Limits::default(), Observe { metrics: Some(address), ..Observe::default() });
    let upstream = Upstream::saying("here");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    assert_eq!(Client::new(stage.address).get("a", "/metrics").text(), "here");
    until("metrics are served", || std::net::TcpStream::connect(address).ok());

    let mut client = Client::new(address);
    let wanted = "tidegate_requests_total{app=\"app\",environment=\"dev\",service=\"web\",arm=\"stable\",\
                  revision=\"r1\",instance=\"web-1\",outcome=\"good\"} 1";
    until("the request is counted", || {
        let answer = client.get("a", "/metrics");
        assert_eq!(answer.field("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
        answer.text().lines().any(|line| line == wanted).then_some(())
    });
    assert_eq!(client.get("a", "/").status(), 404);
    assert_eq!(client.ask("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status(), 405);
}
