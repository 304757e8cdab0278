//! `/metrics` of the gateway itself.

use tidegate_gateway::{Limits, Observe};

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, nobody};
use crate::stage::{Stage, until};

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
