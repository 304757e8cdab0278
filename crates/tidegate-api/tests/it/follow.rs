//! Answers that go on.

use tidegate_control::{EventQuery, LogQuery};
use tidegate_core::view::LogLine;

use crate::server::Server;
use crate::stub::{Answers, Stub, event};

fn with_events(count: u64) -> Stub {
    let events = (1..=count).map(|seq| event(seq, "rollout.started", "r2 begins")).collect();
    Stub::new(Answers { events, ..Answers::default() })
}

fn line(text: &str) -> LogLine {
    LogLine { at_unix_ms: 1, instance: "web-1".to_owned(), stream: "out".to_owned(), line: text.to_owned() }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_end_without_follow() {
    let server = Server::start(with_events(5));
    let query = EventQuery { most: 2, ..EventQuery::default() };
    let events = server.http().events(query, false).await.unwrap().all().await.unwrap();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), [4, 5]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_events_come_once_each_in_order() {
    let server = Server::start(with_events(3));
    let mut lines =
        server.unix().events(EventQuery { most: 1, ..EventQuery::default() }, true).await.unwrap();
    assert_eq!(lines.next().await.unwrap().unwrap().seq, 3);
    for seq in 4..20 {
        server.stub.push_event(event(seq, "rollout.succeeded", "r2 serves"));
        assert_eq!(lines.next().await.unwrap().unwrap().seq, seq);
    }
    server.stop().await;
    assert!(matches!(lines.next().await, Ok(None) | Err(_)), "the stream ends with the server");
}

#[tokio::test(flavor = "multi_thread")]
async fn followed_logs_go_on_where_they_were() {
    let server =
        Server::start(Stub::new(Answers { logs: vec![line("one"), line("two")], ..Answers::default() }));
    let mut pages = server.http().logs(LogQuery::default(), true).await.unwrap();
    let first = pages.next().await.unwrap().unwrap();
    assert_eq!(first.lines, [line("one"), line("two")]);
    server.stub.answers.lock().unwrap().logs.push(line("three"));
    assert_eq!(pages.next().await.unwrap().unwrap().lines, [line("three")]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_without_follow_are_one_page_even_when_empty() {
    let server = Server::start(Stub::default());
    let pages = server.unix().logs(LogQuery::default(), false).await.unwrap().all().await.unwrap();
    assert_eq!(pages.len(), 1);
    assert!(pages[0].lines.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_followers_are_refused_and_a_seat_is_free_again_after_one_left() {
    let server = Server::start_with(with_events(1), |config| config.most_followers = 1);
    let client = server.unix();
    let mut first = client.events(EventQuery::default(), true).await.unwrap();
    assert_eq!(first.next().await.unwrap().unwrap().seq, 1);
    let Err(refused) = client.events(EventQuery::default(), true).await else { panic!("a second follower") };
    assert_eq!(refused.refusal().unwrap().code, "api::busy");
    drop(first);
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
    while client.events(EventQuery::default(), true).await.is_err() {
        assert!(tokio::time::Instant::now() < deadline, "the seat is never free again");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    server.stop().await;
}
