//! A line of the access log: one JSON object of fixed names. What a request did not come to is left out.

use std::io::Write;
use std::time::SystemTime;

use super::Record;
use super::json::Object;
use super::stamp::Stamp;
use super::trace::Parent;

/// Bytes that a client may fill of a line, by field.
const LONGEST_PATH: usize = 4_096;
const LONGEST_AGENT: usize = 256;
const LONGEST_TEXT: usize = 256;

/// Writes lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    stamp: Stamp,
    /// Whether a line has the query: it may hold what nobody should read.
    query: bool,
}

impl Lines {
    pub(super) fn new(query: bool) -> Self {
        Lines { stamp: Stamp::default(), query }
    }

    /// Adds a line for a request that is over `now`.
    pub(super) fn write(&mut self, record: &Record<'_>, now: SystemTime, out: &mut Vec<u8>) {
        let began = now.checked_sub(record.timing.total).unwrap_or(now);
        let mut line = Object::begin(out);
        line.plain("time", |out| self.stamp.write(began, out));
        line.text("id", record.id, LONGEST_TEXT);
        if let Some(parent) = record.traceparent.and_then(Parent::parse) {
            line.plain("trace", |out| out.extend_from_slice(&parent.trace_hex()));
        }
        write_request(&mut line, record, self.query);
        write_way(&mut line, record);
        write_times(&mut line, record);
        line.end();
        out.push(b'\n');
    }
}

fn write_request(line: &mut Object<'_>, record: &Record<'_>, query: bool) {
    // Writing to memory does not fail.
    line.plain("client", |out| drop(write!(out, "{}", record.client)));
    line.text("protocol", record.protocol.as_str().as_bytes(), LONGEST_TEXT);
    if let Some(tls) = record.tls {
        line.text("tls", tls.as_bytes(), LONGEST_TEXT);
    }
    line.text("method", record.method.as_bytes(), LONGEST_TEXT);
    line.text("host", record.host.as_bytes(), LONGEST_TEXT);
    line.text("path", record.path.as_bytes(), LONGEST_PATH);
    if let Some(asked) = record.query.filter(|_| query) {
        line.text("query", asked.as_bytes(), LONGEST_PATH);
    }
    if let Some(agent) = record.agent {
        line.text("agent", agent, LONGEST_AGENT);
    }
    line.number("status", record.status.into());
    line.text("ended", record.ended.as_bytes(), LONGEST_TEXT);
    line.number("received", record.received);
    line.number("sent", record.sent);
}

fn write_way(line: &mut Object<'_>, record: &Record<'_>) {
    if let Some(route) = record.route {
        line.text("route", route.as_bytes(), LONGEST_PATH);
    }
    if let Some(upstream) = record.upstream {
        line.text("upstream", upstream.as_bytes(), LONGEST_TEXT);
    }
    if let Some(served) = record.served {
        line.text("arm", served.arm, LONGEST_TEXT);
        line.text("revision", served.revision, LONGEST_TEXT);
        if let Some(instance) = served.instance {
            line.text("instance", instance.as_bytes(), LONGEST_TEXT);
        }
    }
    line.number("attempts", record.attempts.into());
}

fn write_times(line: &mut Object<'_>, record: &Record<'_>) {
    if let Some(wait) = record.timing.wait {
        line.millis("wait_ms", wait);
    }
    if let Some(first_byte) = record.timing.first_byte {
        line.millis("first_byte_ms", first_byte);
    }
    line.millis("total_ms", record.timing.total);
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::count::Protocol;
    use crate::observe::{Served, Timing};
    use std::time::{Duration, UNIX_EPOCH};

    pub(crate) fn record() -> Record<'static> {
        Record {
            id: b"00ff",
            traceparent: Some(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
            client: "127.0.0.1:4711".parse().unwrap(),
            protocol: Protocol::Http1,
            tls: Some("1.3"),
            method: "GET",
            host: "shop.test",
            path: "/a",
            query: Some("token=1"),
            agent: Some(b"curl/8"),
            status: 200,
            ended: "complete",
            received: 3,
            sent: 5,
            route: Some("/"),
            upstream: Some("shop/prod/web"),
            served: Some(Served { arm: b"stable", revision: b"r1", instance: Some("web-1") }),
            attempts: 1,
            timing: Timing {
                wait: Some(Duration::from_micros(12)),
                first_byte: Some(Duration::from_micros(1_234)),
                total: Duration::from_micros(2_000),
            },
        }
    }

    fn line(record: &Record<'_>, query: bool) -> String {
        let mut out = Vec::new();
        let now = UNIX_EPOCH + Duration::from_secs(1_795_337_777);
        Lines::new(query).write(record, now, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_whole_line() {
        let wanted = concat!(
            r#"{"time":"2026-11-22T08:56:16.998000Z","id":"00ff","trace":"0af7651916cd43dd8448eb211c80319c","#,
            r#""client":"127.0.0.1:4711","protocol":"http/1","tls":"1.3","method":"GET","host":"shop.test","#,
            r#""path":"/a","agent":"curl/8","status":200,"ended":"complete","received":3,"sent":5,"route":"/","#,
            r#""upstream":"shop/prod/web","arm":"stable","revision":"r1","instance":"web-1","attempts":1,"#,
            r#""wait_ms":0.012,"first_byte_ms":1.234,"total_ms":2.000}"#,
            "\n"
        );
        assert_eq!(line(&record(), false), wanted);
    }

    #[test]
    fn the_query_is_there_only_where_asked_for() {
        assert!(!line(&record(), false).contains("token"));
        assert!(line(&record(), true).contains(r#""query":"token=1""#));
    }

    #[test]
    fn a_line_is_bounded_whatever_a_client_sends() {
        let (long, agent) = ("/\u{1}".repeat(50_000), vec![1; 50_000]);
        let record = Record { path: &long, query: Some(&long), agent: Some(&agent), id: &agent, ..record() };
        let line = line(&record, true);
        assert!(line.len() < crate::observe::LONGEST_LINE, "{}", line.len());
        assert_eq!(line.matches('\n').count(), 1);
    }
}
