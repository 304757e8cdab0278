//! Each fault and its count.

use std::io::Write;
use std::time::Duration;

use tidegate_load::config::{Config, EchoCheck, Progress};
use tidegate_load::report::Report;
use tidegate_load::run::run;
use tidegate_load::target::Target;

use crate::server::{Act, Seen, Server, answer};

fn config(target: Target) -> Config {
    Config { timeout: Duration::from_secs(5), ..Config::new(target, 100.0, Duration::from_millis(500)) }
}

fn load(config: Config) -> Report {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let report = runtime.block_on(run(config)).unwrap();
    assert_eq!(report.sent, report.ok + report.failed, "every request is in the account: {report}");
    // A busy machine may notice the end late; the timetable goes on until then.
    let most = (report.seconds * 100.0).ceil() as u64 + 1;
    assert!((45..=most).contains(&report.sent), "the timetable is kept: {report}");
    report
}

/// Every request failed, and for this reason alone.
fn assert_all_failed(report: &Report, reason: &str) {
    assert_eq!(report.failures.get(reason), Some(&report.sent), "{report}");
    assert!(!report.is_clean());
    assert_eq!(report.first_failures.len(), 20, "the first failures are kept");
}

fn echo(seen: Seen) -> Act {
    Act::Send(answer(200, "tidegate-revision: r7\r\n", &seen.body))
}

#[test]
fn a_good_server_gives_a_clean_account() {
    let server = Server::start(echo);
    let mix = Config {
        post_percent: 30.0,
        large_percent: 10.0,
        fresh_percent: 20.0,
        slow_percent: 10.0,
        ..config(server.target())
    };
    let report = load(mix);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.revisions["r7"].ok, report.sent);
    assert_eq!(report.statuses["2xx"], report.sent);
}

#[test]
fn nobody_listening_is_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    assert_all_failed(&load(config(Target::resolve(&url, None).unwrap())), "connect_refused");
}

#[test]
fn a_reset_is_a_reset() {
    let server = Server::start(|_| Act::Reset);
    assert_all_failed(&load(config(server.target())), "reset");
}

#[test]
fn half_an_answer_is_closed_early() {
    let server =
        Server::start(|_| Act::SendAndClose(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()));
    assert_all_failed(&load(config(server.target())), "closed_early");
}

#[test]
fn half_a_chunked_answer_is_closed_early() {
    let half = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let server = Server::start(|_| Act::SendAndClose(half.to_vec()));
    assert_all_failed(&load(config(server.target())), "closed_early");
}

#[test]
fn a_status_of_500_fails() {
    let server = Server::start(|_| Act::Send(answer(500, "x-app-version: 3\r\n", b"broke")));
    let report = load(config(server.target()));
    assert_all_failed(&report, "bad_status");
    assert_eq!((report.statuses["5xx"], report.revisions["3"].failed), (report.sent, report.sent));
}

#[test]
fn silence_is_a_timeout() {
    let server = Server::start(|_| Act::Hang(Duration::from_secs(2)));
    let report = load(Config { timeout: Duration::from_millis(200), ..config(server.target()) });
    assert_all_failed(&report, "timeout");
    assert!(report.latency_ms.p50 >= 200.0);
}

#[test]
fn what_is_not_http_is_a_bad_answer() {
    let server = Server::start(|_| Act::Send(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()));
    assert_all_failed(&load(config(server.target())), "bad_answer");
}

#[test]
fn a_changed_body_is_a_bad_body() {
    let server = Server::start(|mut seen| {
        *seen.body.last_mut().unwrap() = b'!';
        echo(seen)
    });
    let large = Config { large_percent: 100.0, ..config(server.target()) };
    assert_all_failed(&load(large), "bad_body");
}

#[test]
fn a_chunked_json_echo_is_understood() {
    let server = Server::start(|seen| {
        let json =
            [b"{\"headers\": {\"Tidegate-Revision\": \"r2\"}, \"data\": \"", &*seen.body, b"\"}"].concat();
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        let chunks =
            json.chunks(100).flat_map(|c| [format!("{:x}\r\n", c.len()).as_bytes(), c, b"\r\n"].concat());
        Act::Send(head.into_iter().chain(chunks).chain(*b"0\r\nx: y\r\n\r\n").collect())
    });
    let posts = Config { post_percent: 100.0, echo_check: EchoCheck::Contains, ..config(server.target()) };
    let report = load(posts);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.revisions["r2"].ok, report.sent);
}

/// The server closes on the second request of each connection without an answer: the race of an idle close.
fn stale(seen: Seen) -> Act {
    if seen.nth == 0 { echo(seen) } else { Act::SendAndClose(Vec::new()) }
}

#[test]
fn a_get_on_a_stale_connection_is_sent_once_more() {
    let server = Server::start(stale);
    let report = load(config(server.target()));
    assert!(report.is_clean(), "{report}");
    assert!(report.retried >= report.sent / 3, "{report}");
}

#[test]
fn a_get_on_a_stale_connection_fails_where_retries_are_refused() {
    let server = Server::start(stale);
    let report = load(Config { retry: false, ..config(server.target()) });
    assert_eq!(report.failures.keys().collect::<Vec<_>>(), [&"stale_keepalive"], "{report}");
    assert_eq!(report.retried, 0);
}

#[test]
fn a_post_on_a_stale_connection_fails() {
    let server = Server::start(stale);
    let report = load(Config { post_percent: 100.0, ..config(server.target()) });
    assert_eq!(report.failures.keys().collect::<Vec<_>>(), [&"stale_keepalive"], "{report}");
    assert!(report.failed >= report.sent / 3, "{report}");
}

#[test]
fn a_stall_shows_in_the_latency_of_all_that_had_to_wait() {
    let server = Server::start(|seen| {
        if seen.id.ends_with("-10-0") {
            std::thread::sleep(Duration::from_millis(300));
        }
        echo(seen)
    });
    let report = load(Config { connections: 1, ..config(server.target()) });
    assert!(report.is_clean(), "{report}");
    assert!(report.latency_ms.max >= 300.0, "{report}");
    assert!(report.latency_ms.p50 >= 20.0, "those behind the stall waited too: {report}");
}

#[test]
fn duplicates_and_losses_are_found_in_the_apps_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("seen.log");
    let server = Server::start(move |seen| {
        let times = if seen.id.ends_with("-3-0") { 2 } else { usize::from(!seen.id.ends_with("-5-0")) };
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path).unwrap();
        file.write_all(format!("{}\n", seen.id).repeat(times).as_bytes()).unwrap();
        echo(seen)
    });
    let report = load(Config { seen_log: Some(folder.path().into()), ..config(server.target()) });
    assert_eq!((report.failed, report.duplicated, report.missing), (0, 1, 1), "{report}");
    assert_eq!(report.suspect_ids, ["run-3-0", "run-5-0"]);
    assert!(!report.is_clean());
}

#[test]
fn the_run_ends_when_the_file_appears_and_progress_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (until, lines) = (folder.path().join("stop"), folder.path().join("lines"));
    let stop = until.clone();
    let server = Server::start(move |seen| {
        if seen.id.ends_with("-150-0") {
            std::fs::write(&stop, "").unwrap();
        }
        echo(seen)
    });
    let config = Config {
        until_file: Some(until),
        last: Duration::from_secs(60),
        progress: Progress::File(lines.clone()),
        ..config(server.target())
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let report = runtime.block_on(run(config)).unwrap();
    assert!(report.is_clean() && report.seconds < 10.0, "{report}");
    let text = std::fs::read_to_string(lines).unwrap();
    let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((first["second"].as_u64(), first["failed"].as_u64()), (Some(1), Some(0)));
    assert!(first["revisions"]["r7"].as_u64() > Some(50), "{first}");
}
