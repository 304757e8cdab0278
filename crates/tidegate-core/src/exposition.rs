//! What the gateway counted, in Prometheus' text format, version 0.0.4. Pure: the gateway and the API serve the same text.
//!
//! The number of series is bounded by the routing table: names and labels come from it and from the gateway's own words,
//! never from a request. Latency buckets are kept by arm and revision; an instance has its sum and count.

mod levels;
mod mirrors;

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::model::{
    Answers, ArmCounts, CountsReport, FlagCounts, FrontCounts, Histogram, MirrorReport, Outcomes, RouteCounts,
};

/// The content type of the text.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the buckets, in microseconds.
const BOUNDS_US: [u64; 18] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 75_000, 100_000, 250_000, 500_000, 750_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000, 60_000_000,
];

type Labels<'a> = Vec<(&'static str, &'a str)>;

/// The text of a report, and of what came of copies of requests.
pub fn exposition(report: &CountsReport, copies: &[MirrorReport]) -> String {
    let mut text = Text(String::new());
    outcomes(&mut text, &report.rows);
    latencies(&mut text, &report.rows);
    levels::write(&mut text, report);
    mirrors::write(&mut text, copies);
    routes(&mut text, &report.routes);
    flags(&mut text, &report.flags);
    front(&mut text, &report.front, report.unrouted);
    text.0
}

/// The text being written.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (index, (label, value)) in labels.iter().enumerate() {
            self.0.push_str(if index == 0 { "{" } else { "," });
            self.0.push_str(label);
            self.0.push_str("=\"");
            escape(value, &mut self.0);
            self.0.push('"');
        }
        self.line(format_args!("{} {value}\n", if labels.is_empty() { "" } else { "}" }));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.0.write_fmt(line);
    }
}

/// Of label values: backslash, quote and line feed.
fn escape(value: &str, out: &mut String) {
    for char in value.chars() {
        match char {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

fn outcomes(text: &mut Text, rows: &[ArmCounts]) {
    text.family(
        "tidegate_requests_total",
        "counter",
        "Requests by how their first attempt ended, on the arm they were assigned.",
    );
    for row in rows {
        let (outcomes, revision) = (&row.outcomes, row.revision.to_string());
        for (outcome, count) in by_name(outcomes) {
            let mut labels = instance_labels(row, &revision);
            labels.push(("outcome", outcome));
            text.sample("tidegate_requests_total", &labels, count);
        }
    }
    text.family("tidegate_body_bytes_total", "counter", "Bytes of bodies by instance and direction.");
    for row in rows {
        let revision = row.revision.to_string();
        for (direction, bytes) in [("received", row.bytes.received), ("sent", row.bytes.sent)] {
            let mut labels = instance_labels(row, &revision);
            labels.push(("direction", direction));
            text.sample("tidegate_body_bytes_total", &labels, bytes);
        }
    }
}

fn by_name(outcomes: &Outcomes) -> [(&'static str, u64); 6] {
    [
        ("good", outcomes.good),
        ("client_error", outcomes.client_error),
        ("server_error", outcomes.server_error),
        ("reset", outcomes.reset),
        ("timeout", outcomes.timeout),
        ("cancelled", outcomes.cancelled),
    ]
}

fn latencies(text: &mut Text, rows: &[ArmCounts]) {
    const INSTANCE: &str = "tidegate_instance_request_duration_seconds";
    text.family(INSTANCE, "summary", "Time to the head of the answer, by instance.");
    for row in rows {
        let revision = row.revision.to_string();
        let labels = instance_labels(row, &revision);
        text.sample(&format!("{INSTANCE}_sum"), &labels, Seconds(row.latencies.sum_ns()));
        text.sample(&format!("{INSTANCE}_count"), &labels, row.latencies.total());
    }
    let mut arms: BTreeMap<_, Histogram> = BTreeMap::new();
    for row in rows {
        arms.entry((row.upstream.as_str(), row.role, row.revision)).or_default().merge(&row.latencies);
    }
    text.family("tidegate_request_duration_seconds", "histogram", "Time to the head of the answer, by arm.");
    for ((upstream, role, revision), latencies) in &arms {
        let revision = revision.to_string();
        let mut labels = service_labels(upstream);
        labels.extend([("arm", role.as_str()), ("revision", revision.as_str())]);
        histogram(text, "tidegate_request_duration_seconds", &labels, latencies);
    }
}

fn histogram(text: &mut Text, name: &str, labels: &Labels<'_>, latencies: &Histogram) {
    let bucket = format!("{name}_bucket");
    for bound in BOUNDS_US {
        let le = Seconds(bound * 1_000).to_string();
        let labels = [labels.as_slice(), &[("le", &le)]].concat();
        text.sample(&bucket, &labels, latencies.at_most_ns(bound * 1_000));
    }
    text.sample(&bucket, &[labels.as_slice(), &[("le", "+Inf")]].concat(), latencies.total());
    text.sample(&format!("{name}_sum"), labels, Seconds(latencies.sum_ns()));
    text.sample(&format!("{name}_count"), labels, latencies.total());
}

fn flags(text: &mut Text, rows: &[FlagCounts]) {
    const REQUESTS: &str = "tidegate_flag_requests_total";
    text.family(
        REQUESTS,
        "counter",
        "Requests of watched flags by variant and by how their first attempt ended.",
    );
    for row in rows {
        let (version, revision) = (row.version.to_string(), row.revision.to_string());
        let mut labels = service_labels(&row.upstream);
        labels.extend([("flag", row.flag.as_str()), ("version", &version), ("variant", &row.variant)]);
        labels.push(("revision", &revision));
        for (outcome, count) in by_name(&row.outcomes) {
            text.sample(REQUESTS, &[labels.as_slice(), &[("outcome", outcome)]].concat(), count);
        }
    }
}

fn routes(text: &mut Text, routes: &[RouteCounts]) {
    text.family("tidegate_route_answers_total", "counter", "Answers by route, arm and class of status.");
    for route in routes {
        let mut of_none = route.answers;
        for arm in &route.arms {
            route_answers(text, route, arm.role.as_str(), &arm.answers);
            of_none = of_none.without(&arm.answers);
        }
        route_answers(text, route, "", &of_none);
    }
    text.family("tidegate_route_body_bytes_total", "counter", "Bytes of bodies by route and direction.");
    for route in routes {
        for (direction, bytes) in [("received", route.bytes.received), ("sent", route.bytes.sent)] {
            let mut labels = route_labels(route);
            labels.push(("direction", direction));
            text.sample("tidegate_route_body_bytes_total", &labels, bytes);
        }
    }
}

/// `arm`: empty for requests that were answered before they were assigned to one.
fn route_answers(text: &mut Text, route: &RouteCounts, arm: &str, answers: &Answers) {
    for (class, count) in [
        ("1xx", answers.informational),
        ("2xx", answers.success),
        ("3xx", answers.redirect),
        ("4xx", answers.client_error),
        ("5xx", answers.server_error),
        ("none", answers.unanswered),
    ] {
        let mut labels = route_labels(route);
        labels.extend([("arm", arm), ("class", class)]);
        text.sample("tidegate_route_answers_total", &labels, count);
    }
}

fn front(text: &mut Text, front: &FrontCounts, unrouted: u64) {
    let counters = [
        ("tidegate_unrouted_requests_total", "Requests that no route matched.", unrouted),
        ("tidegate_connections_total", "Connections taken.", front.connections),
        (
            "tidegate_connections_refused_total",
            "Connections closed at once: no room for more.",
            front.connections_refused,
        ),
        ("tidegate_tls_handshakes_total", "TLS handshakes that came to their end.", front.handshakes),
        ("tidegate_tls_handshakes_failed_total", "TLS handshakes that did not.", front.handshakes_failed),
        ("tidegate_access_log_lines_total", "Lines written to the access log.", front.log_lines),
        (
            "tidegate_access_log_lines_lost_total",
            "Lines the access log could not take.",
            front.log_lines_lost,
        ),
    ];
    for (name, help, count) in counters {
        text.family(name, "counter", help);
        text.sample(name, &[], count);
    }
    text.family("tidegate_connections_open", "gauge", "Connections open now.");
    text.sample("tidegate_connections_open", &[], front.connections_open);
    let named = [
        ("tidegate_protocol_requests_total", "protocol", "Requests by protocol.", &front.requests),
        ("tidegate_refusals_total", "reason", "Messages that were no request.", &front.refusals),
        ("tidegate_pages_total", "mark", "Answers of the gateway's own.", &front.pages),
    ];
    for (name, label, help, counts) in named {
        text.family(name, "counter", help);
        counts.iter().for_each(|(value, count)| text.sample(name, &[(label, value.as_str())], count));
    }
}

fn instance_labels<'a>(row: &'a ArmCounts, revision: &'a str) -> Labels<'a> {
    let mut labels = service_labels(&row.upstream);
    let instance = row.instance.as_ref().map_or("", |id| id.0.as_str());
    labels.extend([("arm", row.role.as_str()), ("revision", revision), ("instance", instance)]);
    labels
}

fn route_labels(route: &RouteCounts) -> Labels<'_> {
    let mut labels = service_labels(&route.upstream);
    labels.extend([("host", route.host.as_str()), ("path", route.path.as_str())]);
    labels
}

/// An upstream's name is its service key: `app/environment/service`.
fn service_labels(upstream: &str) -> Labels<'_> {
    let mut parts = upstream.splitn(3, '/');
    let mut part = || parts.next().unwrap_or_default();
    vec![("app", part()), ("environment", part()), ("service", part())]
}

/// Nanoseconds, written as seconds.
struct Seconds(u64);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0 as f64 / 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        ArmAnswers, ArmLevels, ArmRole, BodyBytes, InstanceId, InstanceLevel, MirrorCounts, RevisionNo,
    };

    fn row(instance: &str, ms: u64) -> ArmCounts {
        let mut latencies = Histogram::default();
        latencies.add_ns(ms * 1_000_000);
        ArmCounts {
            upstream: "shop/prod/web".to_owned(),
            role: ArmRole::Stable,
            revision: RevisionNo(3),
            instance: Some(InstanceId(instance.to_owned())),
            outcomes: Outcomes { good: 1, ..Outcomes::default() },
            latencies,
            bytes: BodyBytes { received: 1, sent: 2 },
            samples: Vec::new(),
        }
    }

    fn report() -> CountsReport {
        let route = RouteCounts {
            host: "*".to_owned(),
            path: "/a\"b\\c\nd".to_owned(),
            upstream: "shop/prod/web".to_owned(),
            answers: Answers { success: 2, server_error: 1, ..Answers::default() },
            arms: vec![ArmAnswers {
                role: ArmRole::Candidate,
                answers: Answers { success: 1, server_error: 1, ..Answers::default() },
            }],
            bytes: BodyBytes::default(),
        };
        CountsReport {
            rows: vec![row("web-1", 3), row("web-2", 30)],
            routes: vec![route],
            flags: vec![FlagCounts {
                upstream: "shop/prod/web".to_owned(),
                flag: "new-cart".parse().unwrap(),
                version: 4,
                variant: "on".to_owned(),
                revision: RevisionNo(3),
                outcomes: Outcomes { server_error: 5, ..Outcomes::default() },
                latencies: Histogram::default(),
                requests: Vec::new(),
                bad: Vec::new(),
            }],
            levels: vec![ArmLevels {
                upstream: "shop/prod/web".to_owned(),
                role: ArmRole::Stable,
                revision: RevisionNo(3),
                circuit_open: Some(true),
                instances: vec![
                    InstanceLevel { instance: InstanceId("web-2".to_owned()), inflight: 7, ejected: true },
                    InstanceLevel { instance: InstanceId("web-3".to_owned()), inflight: 1, ejected: false },
                ],
            }],
            ..CountsReport::default()
        }
    }

    fn copies() -> MirrorReport {
        let counts = MirrorCounts { same: 8, different: 2, too_large: 1, ..MirrorCounts::default() };
        MirrorReport { upstream: "shop/prod/web".to_owned(), counts, ..MirrorReport::default() }
    }

    fn written() -> String {
        exposition(&report(), &[copies()])
    }

    #[test]
    fn samples_carry_who_and_escape_what_they_must() {
        let text = written();
        for line in [
            r#"tidegate_requests_total{app="shop",environment="prod",service="web",arm="stable",revision="r3",instance="web-1",outcome="good"} 1"#,
            r#"tidegate_request_duration_seconds_bucket{app="shop",environment="prod",service="web",arm="stable",revision="r3",le="0.0025"} 0"#,
            r#"tidegate_request_duration_seconds_bucket{app="shop",environment="prod",service="web",arm="stable",revision="r3",le="0.005"} 1"#,
            r#"tidegate_request_duration_seconds_bucket{app="shop",environment="prod",service="web",arm="stable",revision="r3",le="+Inf"} 2"#,
            r#"tidegate_request_duration_seconds_sum{app="shop",environment="prod",service="web",arm="stable",revision="r3"} 0.033"#,
            r#"tidegate_route_answers_total{app="shop",environment="prod",service="web",host="*",path="/a\"b\\c\nd",arm="candidate",class="2xx"} 1"#,
            r#"tidegate_route_answers_total{app="shop",environment="prod",service="web",host="*",path="/a\"b\\c\nd",arm="candidate",class="5xx"} 1"#,
            r#"tidegate_route_answers_total{app="shop",environment="prod",service="web",host="*",path="/a\"b\\c\nd",arm="",class="2xx"} 1"#,
            r#"tidegate_route_answers_total{app="shop",environment="prod",service="web",host="*",path="/a\"b\\c\nd",arm="",class="5xx"} 0"#,
            r#"tidegate_flag_requests_total{app="shop",environment="prod",service="web",flag="new-cart",version="4",variant="on",revision="r3",outcome="server_error"} 5"#,
            r#"tidegate_instance_inflight{app="shop",environment="prod",service="web",arm="stable",revision="r3",instance="web-1"} 0"#,
            r#"tidegate_instance_inflight{app="shop",environment="prod",service="web",arm="stable",revision="r3",instance="web-2"} 7"#,
            r#"tidegate_instance_inflight{app="shop",environment="prod",service="web",arm="stable",revision="r3",instance="web-3"} 1"#,
            r#"tidegate_instance_ejected{app="shop",environment="prod",service="web",arm="stable",revision="r3",instance="web-1"} 0"#,
            r#"tidegate_instance_ejected{app="shop",environment="prod",service="web",arm="stable",revision="r3",instance="web-2"} 1"#,
            r#"tidegate_circuit_open{app="shop",environment="prod",service="web",arm="stable",revision="r3"} 1"#,
            r#"tidegate_mirror_total{app="shop",environment="prod",service="web",outcome="same"} 8"#,
            r#"tidegate_mirror_total{app="shop",environment="prod",service="web",outcome="different"} 2"#,
            r#"tidegate_mirror_total{app="shop",environment="prod",service="web",outcome="too_large"} 1"#,
            r#"tidegate_mirror_total{app="shop",environment="prod",service="web",outcome="failed"} 0"#,
            "tidegate_connections_open 0",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
        }
    }

    #[test]
    fn every_sample_stands_under_its_family_and_no_series_twice() {
        let text = written();
        let (mut family, mut seen) = (String::new(), std::collections::BTreeSet::new());
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                family = kind.split(' ').next().unwrap().to_owned();
            } else if !line.starts_with('#') {
                assert!(line.starts_with(&family), "{line} under {family}");
                assert!(seen.insert(line.rsplit_once(' ').unwrap().0.to_owned()), "{line} twice");
            }
        }
    }
}
