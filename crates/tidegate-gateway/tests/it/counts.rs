//! What is counted besides outcomes: routes, bytes, connections, refusals, pages.

use tidegate_core::model::{Answers, ArmAnswers, ArmRole, BodyBytes, CountsReport, Redirect, RouteCounts};

use crate::stage::client::Client;
use crate::stage::table::{arm, route, table, with_arms};
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Stage, until};

/// The counts, once they are as wanted.
pub fn counts_when(stage: &Stage, wanted: impl Fn(&CountsReport) -> bool) -> CountsReport {
    until("the counts arrive", || stage.link.observe().counts.filter(|counts| wanted(counts)))
}

#[test]
fn answers_and_bytes_are_counted_per_route() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            connection.say(ok(&request.text().repeat(2)));
        }
    });
    let mut routed = table(1, &[("web-1", upstream.address)]);
    route(&mut routed, "*", "/none", "app/dev/none");
    stage.apply(&routed);
    let mut client = Client::new(stage.address);
    let chunked =
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
    assert_eq!(client.ask(chunked).text(), "abcdeabcde");
    assert_eq!(client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nf").text(), "ff");
    assert_eq!(client.get("a", "/none/b").status(), 503);

    let counts = counts_when(&stage, |counts| counts.front.requests.values().sum::<u64>() == 3);
    let [all, none] = &counts.routes[..] else { panic!("{:?}", counts.routes) };
    assert_eq!((all.path.as_str(), all.upstream.as_str()), ("/", "app/dev/web"));
    assert_eq!(all.answers, Answers { success: 2, ..Answers::default() });
    assert_eq!(all.bytes, BodyBytes { received: 6, sent: 12 });
    assert_eq!(counts.rows[0].bytes, all.bytes);
    assert_eq!(none.answers, Answers { server_error: 1, ..Answers::default() });
    assert_eq!(counts.front.pages["no-endpoint"], 1);
    assert_eq!(counts.front.requests["http/1"], 3);
}

#[test]
fn answers_of_a_route_are_told_apart_by_arm() {
    let stage = Stage::new();
    let well = Upstream::saying("well");
    let sick = Upstream::new(|connection| {
        while connection.request().is_some() {
            connection.say(ok("").replace("200 OK", "500 No"));
        }
    });
    let arms = vec![
        arm(ArmRole::Stable, 1, 50, &[("web-1", well.address)]),
        arm(ArmRole::Candidate, 2, 50, &[("web-2", sick.address)]),
    ];
    let mut routed = with_arms(1, arms);
    route(&mut routed, "*", "/checkout", "app/dev/web");
    route(&mut routed, "*", "/moved", "app/dev/web");
    routed.routes[2].policy.redirect = Some(Redirect { to: "/elsewhere".to_owned(), status: 307 });
    stage.apply(&routed);
    let mut client = Client::new(stage.address);
    // Of both paths: the general one has those with `TE`.
    let mut good = 0;
    for n in 0..40 {
        let field = if n < 20 { "" } else { "TE: trailers\r\n" };
        let answer = client.ask(format!("GET /checkout HTTP/1.1\r\nHost: a\r\n{field}\r\n"));
        good += u64::from(answer.status() == 200);
    }
    assert!((1..40).contains(&good), "{good} of 40 by halves");
    assert_eq!(client.get("a", "/moved").status(), 307);
    let counts = counts_when(&stage, |counts| counts.front.requests.values().sum::<u64>() == 41);
    let of = |path: &str| -> &RouteCounts { counts.routes.iter().find(|route| route.path == path).unwrap() };
    let candidate = Answers { server_error: 40 - good, ..Answers::default() };
    let stable = Answers { success: good, ..Answers::default() };
    let arms = [(ArmRole::Stable, stable), (ArmRole::Candidate, candidate)];
    assert_eq!(of("/checkout").arms, arms.map(|(role, answers)| ArmAnswers { role, answers }));
    assert_eq!((of("/moved").arms.len(), of("/moved").answers.redirect), (0, 1));
    assert_eq!(of("/").arms, []);
}

#[test]
fn bad_answers_are_named_by_id_path_and_status() {
    let stage = Stage::new();
    let upstream = Upstream::new(|connection| {
        while let Some(request) = connection.request() {
            match request.line.contains("/breaks") {
                true => return,
                false if request.line.contains("/good") => connection.say(ok("")),
                false => connection.say(ok("").replace("200 OK", "500 No")),
            };
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    assert_eq!(client.get("a", "/good").status(), 200);
    let head = "GET /bad?token=secret HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc-1\r\n\r\n";
    assert_eq!(client.ask(head).status(), 500);
    let head = "POST /breaks HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc-2\r\nContent-Length: 1\r\n\r\nx";
    assert_eq!(client.ask(head).status(), 502);
    let counts = counts_when(&stage, |counts| counts.rows.iter().any(|row| row.samples.len() == 2));
    let row = counts.rows.iter().find(|row| !row.samples.is_empty()).unwrap();
    let named: Vec<String> = row.samples.iter().map(ToString::to_string).collect();
    assert_eq!(named, ["abc-1 /bad 500", "abc-2 /breaks no answer"]);
}

#[test]
fn connections_and_refusals_are_counted() {
    let stage = Stage::new();
    let (first, mut second) = (Client::new(stage.address), Client::new(stage.address));
    assert_eq!(second.ask("GET / HTTP/1.1\n\n").status(), 400);
    let refused = |counts: &CountsReport| counts.front.refusals.get("a line ends without CR") == Some(&1);
    let counts = counts_when(&stage, |counts| refused(counts) && counts.front.connections == 2);
    assert_eq!(counts.front.requests.values().sum::<u64>(), 0);
    drop((first, second));
    counts_when(&stage, |counts| (counts.front.connections, counts.front.connections_open) == (2, 0));
}

#[test]
fn a_client_that_leaves_early_has_no_answer() {
    let stage = Stage::new();
    let (asked, heard) = std::sync::mpsc::channel();
    let upstream = Upstream::new(move |connection| {
        let _ = (connection.request(), asked.send(()), connection.request());
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    heard.recv().unwrap();
    drop(client);
    let wanted = Answers { unanswered: 1, ..Answers::default() };
    let left = |counts: &CountsReport| {
        let cancelled = counts.rows.iter().any(|row| row.outcomes.cancelled == 1);
        cancelled && counts.routes.iter().any(|route| route.answers == wanted)
    };
    counts_when(&stage, left);
}
