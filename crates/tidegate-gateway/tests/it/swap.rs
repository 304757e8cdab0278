//! The promise: no request is lost while tables change and instances go.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tidegate_core::model::InstanceId;

use crate::stage::client::Client;
use crate::stage::table::table;
use crate::stage::upstream::{Upstream, ok};
use crate::stage::{Stage, until};

type Seen = Arc<Mutex<HashMap<String, u32>>>;

fn recording(seen: Seen) -> Upstream {
    Upstream::new(move |connection| {
        while let Some(request) = connection.request() {
            let key = request.line.split(' ').nth(1).unwrap().to_owned();
            *seen.lock().unwrap().entry(key).or_default() += 1;
            connection.say(ok("answered"));
        }
    })
}

/// Asks until told to stop; every other request is a POST, every tenth on a connection of its own.
fn keep_asking(stage: &Stage, name: usize, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<String>> {
    let address = stage.address;
    std::thread::spawn(move || {
        let mut asked = Vec::new();
        let mut client = Client::new(address);
        while !stop.load(Ordering::SeqCst) {
            let path = format!("/{name}-{}", asked.len());
            let post = asked.len() % 2 == 0;
            if asked.len() % 10 == 0 {
                client = Client::new(address);
            }
            let answer = match post {
                true => {
                    client.ask(format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"))
                }
                false => client.get("a", &path),
            };
            assert_eq!((answer.status(), answer.text().as_str()), (200, "answered"), "{path} {answer:?}");
            asked.push(path);
        }
        asked
    })
}

#[test]
fn swaps_under_load_lose_and_double_nothing() {
    let stage = Stage::new();
    let seen: Seen = Arc::default();
    let mut current = vec![recording(seen.clone()), recording(seen.clone())];
    let apply = |epoch: u64, upstreams: &[Upstream]| {
        let names: Vec<String> = (0..upstreams.len()).map(|index| format!("web-{epoch}-{index}")).collect();
        let endpoints: Vec<_> =
            names.iter().zip(upstreams).map(|(name, upstream)| (name.as_str(), upstream.address)).collect();
        stage.apply(&table(epoch, &endpoints));
        names.into_iter().map(InstanceId).collect::<Vec<_>>()
    };
    let mut names = apply(1, &current);
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..5).map(|name| keep_asking(&stage, name, stop.clone())).collect();
    for epoch in 2..40 {
        let next = vec![recording(seen.clone()), recording(seen.clone())];
        let next_names = apply(epoch, &next);
        // As the control plane does: only what has nothing in flight after the acknowledgement is killed.
        until("the last requests end", || {
            let inflight = stage.link.observe().inflight;
            names.iter().all(|name| !inflight.contains_key(name)).then_some(())
        });
        current.iter().for_each(Upstream::kill);
        (current, names) = (next, next_names);
        let served = seen.lock().unwrap().len();
        until("traffic goes on", || (seen.lock().unwrap().len() > served + 50).then_some(()));
    }
    stop.store(true, Ordering::SeqCst);
    let asked: Vec<String> = clients.into_iter().flat_map(|client| client.join().unwrap()).collect();
    let seen = seen.lock().unwrap();
    assert!(asked.len() > 1_900, "{} requests", asked.len());
    assert_eq!(asked.len(), seen.len());
    assert!(seen.values().all(|count| *count == 1), "a request came twice");
}

#[test]
fn after_the_acknowledgement_the_count_of_a_removed_endpoint_only_falls() {
    let stage = Stage::new();
    let arrived = Arc::new(AtomicU64::new(0));
    let count = arrived.clone();
    let old = Upstream::new(move |connection| {
        while connection.request().is_some() {
            count.fetch_add(1, Ordering::SeqCst);
            connection.say(ok("answered"));
        }
    });
    let new = Upstream::saying("answered");
    let stop = Arc::new(AtomicBool::new(false));
    stage.apply(&table(1, &[("old", old.address)]));
    let clients: Vec<_> = (0..4).map(|name| keep_asking(&stage, name, stop.clone())).collect();
    for round in 1..30_u64 {
        let before = arrived.load(Ordering::SeqCst);
        until("it gets traffic", || (arrived.load(Ordering::SeqCst) > before + 20).then_some(()));
        stage.apply(&table(round * 3, &[("new", new.address)]));
        let id = InstanceId("old".to_owned());
        until("it is idle", || (!stage.link.observe().inflight.contains_key(&id)).then_some(()));
        let at_idle = arrived.load(Ordering::SeqCst);
        stage.apply(&table(round * 3 + 1, &[("new", new.address)]));
        assert_eq!(arrived.load(Ordering::SeqCst), at_idle);
        stage.apply(&table(round * 3 + 2, &[("old", old.address)]));
    }
    stop.store(true, Ordering::SeqCst);
    clients.into_iter().for_each(|client| drop(client.join().unwrap()));
}
