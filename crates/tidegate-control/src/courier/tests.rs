//! From events to notices to whoever is told, over real connections on this machine.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread::JoinHandle;

use tidegate_core::model::{EnvironmentPolicy, NotifyTo, PipelineRun, Place};
use tidegate_core::time::Moment;
use tidegate_store::Store;

use super::*;

const TIME: Time = Time { now: Moment(5_000), unix_ms: 7_000 };

fn store_telling(notify: Vec<Notify>) -> Store {
    let mut store = Store::in_memory().unwrap();
    let mut run: PipelineRun = protection::test_run();
    run.policy = EnvironmentPolicy { notify, ..EnvironmentPolicy::default() };
    store.transaction(|tx| tx.put_pipeline_run(&run)).unwrap();
    store
}

fn chat(url: &str, on: &[Occasion]) -> Notify {
    Notify { to: NotifyTo::Chat { url: Place::Url(url.to_owned()) }, on: on.to_vec() }
}

fn happened(store: &mut Store, kind: &str, environment: &str) {
    let event = Event::about("shop", environment, kind, "run 7: something");
    store.transaction(|tx| tx.event(&event, TIME.unix_ms).map(drop)).unwrap();
}

/// Looks through what is new, as the courier does.
fn look(store: &mut Store, seen: u64) -> u64 {
    let page = store.events(seen, &EventFilter::default(), PAGE).unwrap();
    let last = page.last().unwrap().seq;
    enter(store, TIME, &page, last).unwrap();
    last
}

fn waiting(store: &Store) -> Vec<(u64, Notice)> {
    store.due_notices(Moment(u64::MAX / 2), 100).unwrap()
}

#[test]
fn each_is_told_of_what_they_want_to_know_and_nobody_of_the_rest() {
    let mut store = store_telling(vec![chat("http://a/", &[Occasion::Failed]), chat("http://b/", &[])]);
    let seen = begin(&mut store).unwrap();
    for kind in ["pipeline.began", "pipeline.failed", "pipeline.stage", "instance.restarted"] {
        happened(&mut store, kind, "production");
    }
    happened(&mut store, "pipeline.failed", "staging");
    look(&mut store, seen);
    let told: Vec<_> =
        waiting(&store).into_iter().map(|(_, notice)| (notice.place, notice.event.kind)).collect();
    let expected = [(1, "pipeline.began"), (0, "pipeline.failed"), (1, "pipeline.failed")];
    assert_eq!(told, expected.map(|(place, kind)| (place, kind.to_owned())));
}

#[test]
fn what_happened_before_is_told_to_nobody_and_what_was_seen_is_not_seen_again() {
    let mut store = store_telling(vec![chat("http://a/", &[])]);
    happened(&mut store, "pipeline.failed", "production");
    let seen = begin(&mut store).unwrap();
    assert_eq!(seen, store.latest_seq().unwrap());
    happened(&mut store, "pipeline.succeeded", "production");
    let last = look(&mut store, seen);
    assert_eq!(waiting(&store).len(), 1);
    assert_eq!(begin(&mut store).unwrap(), last, "a control plane that starts again goes on there");
}

#[test]
fn a_notice_is_put_off_again_and_again_and_then_given_up_aloud() {
    let mut store = store_telling(vec![chat("http://a/", &[])]);
    let seen = begin(&mut store).unwrap();
    happened(&mut store, "pipeline.failed", "production");
    look(&mut store, seen);
    let mut dues = Vec::new();
    while let Some((seq, notice)) = waiting(&store).pop() {
        dues.push(notice.due);
        let tried = Tried { seq, notice, answer: Err("a:80: connection refused".to_owned()) };
        settle(&mut store, TIME, vec![tried]).unwrap();
    }
    assert_eq!(dues.len(), tidegate_core::notify::MOST_TRIES as usize);
    assert!(dues.windows(2).all(|pair| pair[0] <= pair[1]));
    let last = store.last_events(&EventFilter::default(), 1).unwrap().remove(0).event;
    assert_eq!(last.kind, FAILED);
    assert_eq!(last.message, "nobody could be told of pipeline.failed by chat: a:80: connection refused");
    assert_eq!(Occasion::of(&last.kind), None, "that is told to nobody: it would never end");
}

#[test]
fn one_that_was_delivered_is_forgotten() {
    let mut store = store_telling(vec![chat("http://a/", &[])]);
    let seen = begin(&mut store).unwrap();
    happened(&mut store, "pipeline.failed", "production");
    look(&mut store, seen);
    let (seq, notice) = waiting(&store).remove(0);
    settle(&mut store, TIME, vec![Tried { seq, notice, answer: Ok(()) }]).unwrap();
    assert!(waiting(&store).is_empty());
}

fn notice(to: NotifyTo) -> Notice {
    let event = Event::about("shop", "production", "pipeline.failed", "run 7: failed: ünit");
    let at = "2026-01-02T03:04:05.678Z".to_owned();
    Notice { seq: 9, place: 0, to, event, at, tries: 0, due: Moment(0) }
}

fn listening(serve: impl FnOnce(TcpStream) -> String + Send + 'static) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let authority = listener.local_addr().unwrap().to_string();
    (authority, std::thread::spawn(move || serve(listener.accept().unwrap().0)))
}

/// Takes one request whole; what it was.
fn taking(status: &'static str) -> (String, JoinHandle<String>) {
    listening(move |mut stream| {
        let mut input = BufReader::new(stream.try_clone().unwrap());
        let mut taken = String::new();
        while !taken.ends_with("\r\n\r\n") {
            assert!(input.read_line(&mut taken).unwrap() > 0);
        }
        let length = taken.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        input.read_exact(&mut body).unwrap();
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").unwrap();
        taken + &String::from_utf8(body).unwrap()
    })
}

fn delivery() -> (tempfile::TempDir, Delivery) {
    let data = tempfile::tempdir().unwrap();
    std::fs::create_dir(data.path().join("secrets")).unwrap();
    let delivery = Delivery::of(data.path());
    (data, delivery)
}

fn keep(data: &tempfile::TempDir, name: &str, value: &str) {
    let file = data.path().join("secrets/shop.env");
    std::fs::write(&file, format!("{name}={value}\n")).unwrap();
    std::fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn a_webhook_gets_a_cloud_event_with_its_token() {
    let (data, delivery) = delivery();
    keep(&data, "HOOK", "s3cret");
    let (authority, taken) = taking("202 Accepted");
    let url = Place::Url(format!("http://{authority}/hook"));
    delivery.deliver(&notice(NotifyTo::Webhook { url, token: Some("HOOK".to_owned()) })).unwrap();
    let taken = taken.join().unwrap();
    assert!(taken.starts_with("POST /hook HTTP/1.1\r\n"), "{taken}");
    assert!(taken.contains("Authorization: Bearer s3cret\r\n"), "{taken}");
    assert!(taken.contains("Content-Type: application/cloudevents+json"), "{taken}");
    let body: serde_json::Value = serde_json::from_str(taken.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((body["specversion"].as_str(), body["id"].as_str()), (Some("1.0"), Some("9-0")));
}

#[test]
fn a_chat_whose_url_is_a_secret_says_so_in_no_error() {
    let (data, delivery) = delivery();
    let (authority, taken) = taking("500 Oh");
    keep(&data, "CHAT", &format!("http://{authority}/T0/s3cret"));
    let to = NotifyTo::Chat { url: Place::Secret("CHAT".to_owned()) };
    assert_eq!(delivery.deliver(&notice(to.clone())).unwrap_err(), "status 500");
    assert!(taken.join().unwrap().contains("{\"text\":\"shop/production: run 7: failed: ünit\"}"));
    let gone = delivery.deliver(&notice(to)).unwrap_err();
    assert_eq!(gone, format!("{authority}: connection refused"));
    let to = NotifyTo::Chat { url: Place::Secret("OTHER".to_owned()) };
    let unset = delivery.deliver(&notice(to)).unwrap_err();
    assert!(unset.starts_with("the secret `OTHER` is not set") && !unset.contains("s3cret"), "{unset}");
}

/// A mail server that answers each command as told; what it was told.
fn mail_server(greeting: &'static str, offers: &'static str) -> (String, JoinHandle<String>) {
    listening(move |mut stream| {
        let mut said = String::new();
        let mut input = BufReader::new(stream.try_clone().unwrap());
        write!(stream, "{greeting}\r\n").unwrap();
        let mut data = false;
        loop {
            let mut line = String::new();
            if input.read_line(&mut line).unwrap_or(0) == 0 {
                return said;
            }
            said.push_str(&line);
            let answer = match line.split([' ', '\r']).next().unwrap() {
                "." => "250 taken",
                _ if data => continue,
                "EHLO" => offers,
                "AUTH" => "235 hello",
                "DATA" => "354 go on",
                "QUIT" => return said,
                _ => "250 fine",
            };
            data = answer.starts_with("354");
            write!(stream, "{answer}\r\n").unwrap();
        }
    })
}

fn mail_to(server: &str, login: bool) -> NotifyTo {
    NotifyTo::Mail {
        to: vec!["ops@example.com".to_owned(), "ann@example.com".to_owned()],
        from: "tidegate@example.com".to_owned(),
        server: server.to_owned(),
        login: login.then(|| ("tidegate".to_owned(), "SMTP".to_owned())),
    }
}

#[test]
fn a_letter_is_handed_over_by_the_book() {
    let (data, delivery) = delivery();
    keep(&data, "SMTP", "'pass word'");
    let (authority, said) = mail_server("220 mail", "250-mail\r\n250-8BITMIME\r\n250 AUTH PLAIN");
    delivery.deliver(&notice(mail_to(&format!("smtp://{authority}"), true))).unwrap();
    let said = said.join().unwrap();
    let commands: Vec<_> = said.lines().take(6).collect();
    assert_eq!(commands[0], "EHLO tidegate.localhost");
    assert_eq!(commands[1], "AUTH PLAIN AHRpZGVnYXRlAHBhc3Mgd29yZA==");
    assert_eq!(commands[2], "MAIL FROM:<tidegate@example.com> BODY=8BITMIME");
    assert_eq!(commands[3..6], ["RCPT TO:<ops@example.com>", "RCPT TO:<ann@example.com>", "DATA"]);
    assert!(said.contains("Date: 02 Jan 2026 03:04:05 +0000\r\n"), "{said}");
    assert!(
        said.contains("\r\n\r\nrun 7: failed: ünit\r\n") && said.ends_with("\r\n.\r\nQUIT\r\n"),
        "{said}"
    );
}

#[test]
fn what_a_mail_server_says_no_to_is_tried_again_later() {
    let (_data, delivery) = delivery();
    let (authority, said) = mail_server("554 go away", "250 mail");
    let error = delivery.deliver(&notice(mail_to(&format!("smtp://{authority}"), false))).unwrap_err();
    assert_eq!(error, format!("{authority}: it answered 554"));
    said.join().unwrap();
}
