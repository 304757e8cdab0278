//! Webhooks over the real server: who gets past the signature, how large a body may be, and how often somebody may guess.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidegate_api::SourceDesk;
use tidegate_control::hook::{Delivery, HookEvent, HookSecret};
use tidegate_control::source::{ConnectSource, GitSources, Hidden};
use tidegate_control::{Refusal, RefusalKind};
use tidegate_core::model::Name;
use tidegate_core::view::{GitConnected, GitSourceList, GitSourceView, HookAnswer};

use crate::server::{Answer, Server};
use crate::stub::Stub;

const SECRET: &str = "a-secret-of-shop-alone";

/// Answers about repositories: shop follows one.
#[derive(Default)]
struct Desk {
    calls: Mutex<Vec<String>>,
}

impl Desk {
    fn call<T>(&self, call: String) -> Result<T, Refusal> {
        self.calls.lock().unwrap().push(call);
        Err(Refusal::new(RefusalKind::NotFound, "desk::unset", "nothing is set"))
    }

    fn called(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

impl GitSources for Desk {
    fn git_sources(&self) -> Result<GitSourceList, Refusal> {
        self.call("sources".to_owned())
    }

    fn git_connect(&self, request: ConnectSource) -> Result<GitConnected, Refusal> {
        self.call(format!("{request:?}"))
    }

    fn git_disconnect(&self, app: &Name, by: &str) -> Result<GitSourceView, Refusal> {
        self.call(format!("disconnect {app} by {by}"))
    }

    fn git_look(&self, app: &Name, by: &str) -> Result<GitSourceView, Refusal> {
        self.call(format!("look {app} by {by}"))
    }

    fn hook_secret(&self, app: &Name) -> Result<Option<HookSecret>, Refusal> {
        Ok((app.as_str() == "shop").then(|| HookSecret::chosen(SECRET).unwrap()))
    }

    fn git_hook(&self, app: &Name, delivery: Delivery) -> Result<HookAnswer, Refusal> {
        self.calls.lock().unwrap().push(format!("hook of {app}"));
        let taken = matches!(delivery.event, HookEvent::Push { .. });
        Ok(HookAnswer { taken, message: "said".to_owned() })
    }

    fn git_hook_refused(&self, app: &Name, why: &str) -> Result<(), Refusal> {
        self.calls.lock().unwrap().push(format!("refused for {app}: {why}"));
        Ok(())
    }

    fn pushes_are_taken(&self, _: &Name) -> Result<(), Refusal> {
        Ok(())
    }
}

fn served() -> (Server, Arc<Desk>) {
    let desk = Arc::new(Desk::default());
    let asked = Arc::clone(&desk);
    (Server::start_with(Stub::default(), |config| config.sources = Some(SourceDesk(asked))), desk)
}

fn body() -> String {
    format!(r#"{{"ref":"refs/heads/main","after":"{}","pusher":{{"name":"ann"}}}}"#, "a".repeat(40))
}

/// A webhook with a token in its header, as GitLab sends it where no signing token is set.
fn with_token(token: &str, event: &str, more: &str) -> String {
    format!("X-Gitlab-Event: {event}\r\nX-Gitlab-Token: {token}\r\nContent-Type: application/json\r\n{more}")
}

fn post(server: &Server, app: &str, headers: &str, body: &str) -> Answer {
    server.raw(&format!(
        "POST /v1/hooks/{app} HTTP/1.1\r\nHost: hooks.example.org\r\nOrigin: https://example.org\r\n{headers}\
         Connection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn push_body() -> String {
    body().replacen('{', r#"{"object_kind":"push","#, 1)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_is_heard_under_any_name_of_this_machine() {
    let (server, desk) = served();
    let taken = post(&server, "shop", &with_token(SECRET, "Push Hook", ""), &push_body());
    assert_eq!((taken.status, taken.json()["taken"].as_bool()), (202, Some(true)), "{}", taken.body);
    let idle = post(&server, "shop", &with_token(SECRET, "Tag Push Hook", ""), "{}");
    assert_eq!((idle.status, idle.json()["taken"].as_bool()), (200, Some(false)), "{}", idle.body);
    assert_eq!(desk.called(), ["hook of shop", "hook of shop"]);
    // Nothing else is.
    assert_eq!(
        server.raw("GET /v1/health HTTP/1.1\r\nHost: hooks.example.org\r\nConnection: close\r\n\r\n").status,
        403
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_one_is_refused_alike_whether_or_not_there_is_such_an_app() {
    let (server, desk) = served();
    let forged = with_token("a-guess-of-some-length", "Push Hook", "");
    let mut answers = Vec::new();
    for app in ["shop", "blog", "No_Name"] {
        let answer = post(&server, app, &forged, &push_body());
        assert_eq!((answer.status, answer.code().as_str()), (401, "hook::forged"), "{app}");
        answers.push(answer.body);
        let unsigned = post(&server, app, "X-GitHub-Event: push\r\n", &body());
        assert_eq!((unsigned.status, unsigned.code().as_str()), (401, "hook::unsigned"), "{app}");
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let two = format!("{}X-Gitlab-Token: {SECRET}\r\n", with_token(SECRET, "Push Hook", ""));
    assert_eq!(post(&server, "shop", &two, &push_body()).code(), "hook::unsigned", "read by two in two ways");
    assert!(desk.called().iter().all(|call| call.starts_with("refused for shop: ")), "{:?}", desk.called());
    assert!(desk.called()[0].ends_with("from 127.0.0.1"), "{:?}", desk.called());
    assert!(desk.called().len() <= 3, "the timeline is flooded");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_is_not_heard_for_a_while_and_others_are() {
    let (server, desk) = served();
    let guess = |n: u32, from: &str| {
        let from = format!("X-Forwarded-For: 203.0.113.99, {from}\r\n");
        post(&server, "shop", &with_token(&format!("guess-number-{n:08}"), "Push Hook", &from), "{}")
    };
    for n in 0..20 {
        assert_eq!(guess(n, "198.51.100.1").code(), "hook::forged", "{n}");
    }
    let more = guess(20, "198.51.100.1");
    assert_eq!((more.status, more.code().as_str()), (429, "hook::guessing"));
    let of_another = with_token("guess-number-x-for-blog", "Push Hook", "X-Forwarded-For: 198.51.100.1\r\n");
    assert_eq!(post(&server, "blog", &of_another, "{}").status, 401, "hosts send for many from one address");
    // The right secret comes too late from there, and in time from elsewhere.
    let right = |from: &str| {
        let from = format!("X-Forwarded-For: {from}\r\n");
        post(&server, "shop", &with_token(SECRET, "Push Hook", &from), &push_body()).status
    };
    assert_eq!((right("198.51.100.1"), right("198.51.100.2")), (429, 202));
    assert_eq!(desk.called().iter().filter(|call| *call == "hook of shop").count(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_as_large_as_hosts_send_them_and_no_larger() {
    let (server, desk) = served();
    let padded =
        |bytes: usize| push_body().replacen('{', &format!("{{\"pad\":\"{}\",", "x".repeat(bytes)), 1);
    let large = post(&server, "shop", &with_token(SECRET, "Push Hook", ""), &padded(2 << 20));
    assert_eq!(large.status, 202, "{}", large.body);
    let announced = format!(
        "POST /v1/hooks/shop HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\nContent-Length: {}\r\n\r\n",
        with_token(SECRET, "Push Hook", ""),
        (25 << 20) + 1
    );
    let refused = server.raw(&announced);
    assert_eq!((refused.status, refused.code().as_str()), (413, "api::too-large"));
    assert_eq!(desk.called().len(), 1);
    // Large ones are a few at a time: what holds the seats holds up no small one.
    let mut held: Vec<TcpStream> = Vec::new();
    let mut busy = None;
    let until = std::time::Instant::now() + Duration::from_secs(8);
    while busy.is_none() && std::time::Instant::now() < until {
        // One more each time: one that comes while a whole one has the last seat is refused itself.
        held.push(half_of_a_large_one(&server));
        busy = answer_in_between(&server, &padded(1 << 20)).filter(|answer| answer.contains(" 503 "));
    }
    assert!(busy.is_some_and(|answer| answer.contains("hook::busy")));
    assert_eq!(post(&server, "shop", &with_token(SECRET, "Push Hook", ""), &push_body()).status, 202);
    drop(held);
    server.stop().await;
}

/// Sends a large one and reads what comes, where the refusal is not lost with the rest of what was sent.
fn answer_in_between(server: &Server, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /v1/hooks/shop HTTP/1.1\r\nHost: x\r\n{}Connection: close\r\nContent-Length: {}\r\n\r\n",
        with_token(SECRET, "Push Hook", ""),
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(body.as_bytes());
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer).into_owned())
}

fn half_of_a_large_one(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let head = format!(
        "POST /v1/hooks/shop HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n",
        with_token(SECRET, "Push Hook", ""),
        2 << 20
    );
    stream.write_all(head.as_bytes()).unwrap();
    // A refusal can come before all of it is sent.
    let _ = stream.write_all(&vec![b' '; 1 << 20]);
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_about_repositories_reaches_who_answers_and_shows_no_secret() {
    let (server, desk) = served();
    let (client, shop) = (server.unix(), "shop".parse().unwrap());
    let request = ConnectSource {
        app: "shop".parse().unwrap(),
        url: "https://github.com/ann/shop.git".to_owned(),
        branches: vec!["main".to_owned()],
        poll_ms: None,
        secret: Some(Hidden::new(SECRET)),
        token: Some(Hidden::new("ghp_token")),
        user: None,
        ssh_key: None,
        known_hosts: None,
        by: "ann".to_owned(),
    };
    let _ = client.git_sources().await;
    let error = client.git_connect(&request).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, "desk::unset");
    let _ = client.git_disconnect(&shop, "ann").await;
    let _ = client.git_look(&shop, "ann").await;
    let calls = desk.called();
    assert_eq!(
        (calls[0].as_str(), &calls[2..]),
        ("sources", &["disconnect shop by ann".to_owned(), "look shop by ann".to_owned()][..])
    );
    assert!(calls[1].contains("github.com/ann/shop.git") && calls[1].contains("Hidden(…)"), "{}", calls[1]);
    assert!(!calls[1].contains(SECRET) && !calls[1].contains("ghp_token"), "{}", calls[1]);
    server.stop().await;
}
