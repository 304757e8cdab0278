//! What is kept of webhooks and looks, on a store of its own.

use std::collections::BTreeMap;

use tidegate_core::model::{GitSource, Hint, Name, SourceAccess, SourceState};
use tidegate_core::time::{Millis, Moment};
use tidegate_core::view::HookAnswer;
use tidegate_store::{EventFilter, Store};

use super::connect::carried_over;
use super::deliver::take;
use super::look::Looked;
use super::scout::settle;
use crate::engine::Time;
use crate::hook::{Delivery, HookEvent, Host};
use crate::plane::Refusal;

fn shop() -> Name {
    "shop".parse().unwrap()
}

fn commit(of: char) -> String {
    of.to_string().repeat(40)
}

fn at(seconds: u64) -> Time {
    Time { now: Moment(seconds * 1_000), unix_ms: seconds * 1_000 }
}

fn source(branches: &[&str]) -> GitSource {
    GitSource {
        app: shop(),
        id: "c1".to_owned(),
        address: "https://git.example.org/shop.git".to_owned(),
        branches: branches.iter().map(|&branch| branch.to_owned()).collect(),
        poll: None,
        access: SourceAccess::Open,
        by: "ann".to_owned(),
        made_at_unix_ms: 0,
        state: SourceState { looked_at_unix_ms: Some(1), ..SourceState::default() },
    }
}

fn store_of(source: &GitSource) -> Store {
    let mut store = Store::in_memory().unwrap();
    store.transaction(|tx| tx.put_git_source(source)).unwrap();
    store
}

fn push(ids: &[&str], branch: &str) -> Delivery {
    let event = HookEvent::Push { branch: branch.to_owned(), commit: commit('b'), by: "carla".to_owned() };
    Delivery { host: Host::GitHub, ids: ids.iter().map(|&id| id.to_owned()).collect(), event }
}

fn sent(store: &mut Store, delivery: Delivery) -> Result<HookAnswer, Refusal> {
    take(store, at(5), &shop(), delivery)
}

fn kept(store: &Store) -> GitSource {
    store.git_source(&shop()).unwrap().unwrap()
}

fn kinds(store: &Store) -> Vec<String> {
    let events = store.events(0, &EventFilter::default(), 100).unwrap();
    events.into_iter().map(|stored| stored.event.kind).collect()
}

#[test]
fn a_push_is_looked_at_once() {
    let mut store = store_of(&source(&[]));
    let answer = sent(&mut store, push(&["GitHub d1", "body 1"], "main")).unwrap();
    assert!(answer.taken, "{answer:?}");
    let before = kept(&store);
    assert_eq!(before.state.due, Some(Moment(5_000)));
    assert_eq!(before.state.hints["main"], Hint { commit: commit('b'), by: "carla".to_owned() });
    for again in [["GitHub d1", "body 2"], ["GitHub d2", "body 1"], ["GitHub d1", "body 1"]] {
        let refusal = sent(&mut store, push(&again, "main")).unwrap_err();
        assert_eq!(refusal.code, "hook::replayed");
        assert_eq!(kept(&store), before, "something changed");
    }
    assert!(sent(&mut store, push(&["GitHub d2", "body 2"], "main")).unwrap().taken, "a new one");
    assert_eq!(kinds(&store), ["git.hook", "git.hook"]);
}

#[test]
fn what_begins_nothing_is_known_to_have_come_and_no_more() {
    let mut store = store_of(&source(&["main"]));
    let ping = Delivery { host: Host::GitHub, ids: vec!["GitHub d1".to_owned()], event: HookEvent::Ping };
    for _ in 0..2 {
        assert!(!sent(&mut store, ping.clone()).unwrap().taken);
    }
    let other = sent(&mut store, push(&["GitHub d2"], "topic")).unwrap();
    assert_eq!((other.taken, other.message.as_str()), (false, "the branch topic is not followed"));
    let state = kept(&store).state;
    assert_eq!((state.due, state.hints.len()), (None, 0));
    assert_eq!(state.hook.unwrap().said, other.message);
    assert!(kinds(&store).is_empty());
    let nobody = take(&mut Store::in_memory().unwrap(), at(5), &shop(), ping).unwrap_err();
    assert_eq!(nobody.code, "git::no-source");
}

fn looked(error: Option<&str>) -> Looked {
    Looked {
        heads: [("main".to_owned(), commit('b'))].into(),
        gone: vec!["old".to_owned()],
        news: vec!["main is at bbbbbbbbbbbb: run 1 to production begins".to_owned()],
        error: error.map(str::to_owned),
    }
}

#[test]
fn what_a_look_found_is_dealt_with() {
    let mut before = source(&[]);
    before.state.heads = [("old".to_owned(), commit('a')), ("still".to_owned(), commit('c'))].into();
    before.state.hints = [("main".to_owned(), Hint { commit: commit('b'), by: String::new() })].into();
    before.state.due = Some(Moment(1_000));
    let mut store = store_of(&before);
    settle(&mut store, at(9), &before, looked(None)).unwrap();
    let state = kept(&store).state;
    let heads: BTreeMap<_, _> = [("main".to_owned(), commit('b')), ("still".to_owned(), commit('c'))].into();
    assert_eq!((state.heads, state.hints.len(), state.due), (heads, 0, None));
    assert_eq!(kinds(&store), ["git.fetched"]);
}

#[test]
fn a_webhook_that_comes_during_a_look_has_it_looked_at_again() {
    let mut before = source(&[]);
    before.state.due = Some(Moment(1_000));
    let mut store = store_of(&before);
    sent(&mut store, push(&["GitHub d1"], "main")).unwrap();
    settle(&mut store, at(9), &before, looked(None)).unwrap();
    let state = kept(&store).state;
    assert_eq!((state.due, state.hints.len()), (Some(Moment(9_000)), 1));
}

#[test]
fn a_look_at_what_was_connected_before_is_nobodys() {
    let mut store = store_of(&GitSource { id: "c2".to_owned(), ..source(&[]) });
    let before = kept(&store);
    settle(&mut store, at(9), &source(&[]), looked(None)).unwrap();
    assert_eq!(kept(&store), before);
    store.transaction(|tx| tx.drop_git_source(&shop())).unwrap();
    settle(&mut store, at(9), &source(&[]), looked(None)).unwrap();
    assert_eq!(store.git_source(&shop()).unwrap(), None);
}

#[test]
fn connected_again_it_goes_on_from_the_last_look() {
    let mut before = source(&["main"]);
    before.state.heads = [("main".to_owned(), commit('a'))].into();
    before.state.failures = 3;
    let state = carried_over(Some(&before), &GitSource { id: "c2".to_owned(), ..source(&["main"]) });
    let expected = SourceState { failures: 0, ..before.state.clone() };
    assert_eq!(state, expected);
    let elsewhere =
        GitSource { address: "https://git.example.org/other.git".to_owned(), ..source(&["main"]) };
    for other in [elsewhere, source(&[])] {
        assert_eq!(carried_over(Some(&before), &other), SourceState::default());
    }
}

#[test]
fn a_host_that_is_away_is_told_of_once_and_keeps_what_it_said() {
    let mut first = source(&[]);
    first.poll = Some(Millis::seconds(60));
    first.state.due = Some(Moment(1_000));
    first.state.hints = [("main".to_owned(), Hint { commit: commit('b'), by: "ann".to_owned() })].into();
    let mut store = store_of(&first);
    let mut waits = Vec::new();
    for _ in 0..5 {
        let before = kept(&store);
        let away = Looked { error: Some("no such\n  host".to_owned()), ..Looked::default() };
        settle(&mut store, at(9), &before, away).unwrap();
        waits.push(kept(&store).state.due.unwrap().0 - 9_000);
    }
    assert!(waits[0] >= 60_000 && waits[4] > waits[0], "{waits:?}");
    let state = kept(&store).state;
    assert_eq!((state.failures, state.error.as_deref(), state.hints.len()), (5, Some("no such host"), 1));
    let before = kept(&store);
    settle(&mut store, at(99), &before, Looked::default()).unwrap();
    let state = kept(&store).state;
    assert_eq!((state.failures, state.error, state.hints.len()), (0, None, 0));
    assert_eq!(kinds(&store), ["git.unreachable", "git.reachable"]);
}
