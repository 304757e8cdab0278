//! Instances that close kept connections when it suits nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::stage::Stage;
use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};

/// Answers, and closes some connections without a word: at once or a moment later.
fn careless(seen: Arc<Mutex<HashMap<String, u32>>>) -> Upstream {
    let turn = AtomicU64::new(1);
    Upstream::new(move |connection| {
        while let Some(request) = connection.request() {
            let key = request.line.split(' ').nth(1).unwrap().to_owned();
            *seen.lock().unwrap().entry(key).or_default() += 1;
            connection.say(ok("answered"));
            let dice = turn.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            match dice % 8 {
                0 => return,
                1 => {
                    std::thread::sleep(Duration::from_micros(dice % 2_000));
                    return;
                }
                _ => {}
            }
        }
    })
}

fn load(stage: &Stage, clients: usize, each: usize, post: bool) {
    let address = stage.address;
    let run = move |name: usize| {
        let mut client = Client::new(address);
        for turn in 0..each {
            let path = format!("/{post}-{name}-{turn}");
            let request = match post {
                true => format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"),
                false => format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"),
            };
            let answer = client.ask(request);
            assert_eq!((answer.status(), answer.text().as_str()), (200, "answered"), "{path} {answer:?}");
        }
    };
    let threads: Vec<_> = (0..clients).map(|name| std::thread::spawn(move || run(name))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn no_request_fails_and_no_post_is_doubled_when_instances_close_at_random() {
    let stage = Stage::new();
    let seen = Arc::new(Mutex::new(HashMap::new()));
    let upstream = careless(seen.clone());
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    load(&stage, 4, 1_500, false);
    load(&stage, 4, 1_500, true);
    let seen = seen.lock().unwrap();
    let posts: Vec<_> = seen.iter().filter(|(path, _)| path.starts_with("/true")).collect();
    assert_eq!(posts.len(), 6_000);
    assert!(posts.iter().all(|(_, count)| **count == 1), "a POST came twice");
}

#[test]
fn a_get_on_a_connection_that_dies_is_asked_again_and_a_post_is_not() {
    let stage = Stage::new();
    let requests = Arc::new(AtomicU64::new(0));
    let count = requests.clone();
    // Reads the second request of each connection and dies of it.
    let upstream = Upstream::new(move |connection| {
        let _ = connection.request();
        count.fetch_add(1, Ordering::SeqCst);
        connection.say(ok("first"));
        if connection.request().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    for _ in 0..10 {
        assert_eq!(client.get("a", "/").text(), "first");
    }
    let before = requests.load(Ordering::SeqCst);
    for _ in 0..10 {
        let answer = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
        assert_eq!(answer.text(), "first");
    }
    assert_eq!(requests.load(Ordering::SeqCst) - before, 10);
}

#[test]
fn a_fresh_connection_that_breaks_is_told_and_not_asked_again() {
    let stage = Stage::new();
    let requests = Arc::new(AtomicU64::new(0));
    let count = requests.clone();
    let upstream = Upstream::new(move |connection| {
        let _ = connection.request();
        count.fetch_add(1, Ordering::SeqCst);
    });
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let answer = Client::new(stage.address).ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    assert_eq!((answer.status(), answer.field("tidegate-gateway")), (502, Some("reset")));
    assert_eq!(requests.load(Ordering::SeqCst), 1);
}

#[test]
fn an_instance_that_keeps_its_connections_earns_posts_on_them() {
    let stage = Stage::new();
    let upstream = Upstream::saying("kept");
    stage.apply(&table(1, &[("web-1", upstream.address)]));
    let mut client = Client::new(stage.address);
    crate::stage::until("ten POSTs in a row open no connection", || {
        let before = upstream.connections.load(Ordering::SeqCst);
        for _ in 0..10 {
            let answer = client.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
            assert_eq!(answer.text(), "kept");
        }
        (upstream.connections.load(Ordering::SeqCst) == before).then_some(())
    });
}
