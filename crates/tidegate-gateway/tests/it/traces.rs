//! `traceparent`: passed on as it came, or the gateway takes part.

use tidegate_gateway::{Limits, Observe, TraceMode};

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::Upstream;

const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What an instance gets of `traceparent` when a client sends this much of it.
fn arrived(stage: &Stage, upstream: &Upstream, fields: &str) -> Vec<String> {
    stage.apply(&table(stage.link.observe().acked + 1, &[("web-1", upstream.address)]));
    let answer = Client::new(stage.address).ask(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let text = answer.text();
    text.lines().filter_map(|line| line.strip_prefix("traceparent: ")).map(str::to_owned).collect()
}

#[test]
fn by_default_it_passes_untouched() {
    let (stage, upstream) = (Stage::new(), Upstream::echoing_heads());
    assert_eq!(arrived(&stage, &upstream, ""), [""; 0]);
    assert_eq!(arrived(&stage, &upstream, &format!("Traceparent: {SENT}\r\n")), [SENT]);
    assert_eq!(arrived(&stage, &upstream, "Traceparent: nonsense\r\n"), ["nonsense"]);
}

#[test]
fn a_gateway_that_takes_part_is_the_next_step_of_a_trace() {
    let upstream = Upstream::echoing_heads();
    let observe = Observe { trace: TraceMode::Make, ..Observe::default() };
    let stage = Stage::observing(Limits::default(), observe);
    let continued = arrived(&stage, &upstream, &format!("Traceparent: {SENT}\r\n"));
    assert_eq!((continued[0].len(), &continued[0][..36]), (55, &SENT[..36]));
    assert_ne!(continued[0], SENT);
    let begun = [arrived(&stage, &upstream, ""), arrived(&stage, &upstream, "")].concat();
    assert_eq!(begun.iter().map(String::len).collect::<Vec<_>>(), [55, 55]);
    assert_ne!(begun[0][..36], begun[1][..36]);
}
