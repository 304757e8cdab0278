//! Word of changes.

use super::http::{Events, send};
use super::stage::{Stage, flags, released, snapshot};

#[test]
fn a_change_is_told_once_and_nothing_else_is() {
    let stage = Stage::new();
    let mut events = Events::open(stage.ofrep, &stage.stream(), None);
    // The same flags again are no change; the next event is that of others.
    stage.board.publish(snapshot(&flags()));
    stage.board.publish(snapshot(&released()));
    let (first, data) = events.next();
    assert_eq!((&data["type"], &data["etag"]), (&"refetchEvaluation".into(), &first.as_str().into()));
    assert!(data["lastModified"].is_u64());
    stage.board.publish(snapshot(&flags()));
    assert_ne!(events.next().0, first);
}

#[test]
fn a_stream_of_a_flag_set_hears_of_that_set_alone() {
    let stage = Stage::new();
    let fields = [("flagd-selector", "flagSetId=web")];
    let answer = send(stage.ofrep, "POST", "/ofrep/v1/evaluate/flags", &fields, "{}").json();
    let path = answer["eventStreams"][0]["endpoint"]["requestUri"].as_str().unwrap().to_owned();
    let mut events = Events::open(stage.ofrep, &path, None);
    stage.board.publish(snapshot(&released()));
    let mut web = released();
    web["flags"]["web"]["state"] = "DISABLED".into();
    stage.board.publish(snapshot(&web));
    let (_, data) = events.next();
    let all = Events::open(stage.ofrep, &stage.stream(), None).next().0;
    assert_ne!(data["etag"], all.as_str(), "it was told of other flags");
}

#[test]
fn what_was_missed_is_told_at_the_beginning() {
    let stage = Stage::new();
    let path = stage.stream();
    stage.board.publish(snapshot(&released()));
    // Asked before the change, follows after it.
    let (now, _) = Events::open(stage.ofrep, &path, None).next();
    let (told, _) = Events::open(stage.ofrep, &path, Some("an-older-one")).next();
    assert_eq!(told, now);
    let mut current = Events::open(stage.ofrep, &path, Some(&now));
    stage.board.publish(snapshot(&flags()));
    assert_ne!(current.next().0, now, "it has that one");
}

#[test]
fn streams_end_with_the_server() {
    let mut stage = Stage::new();
    let events = Events::open(stage.ofrep, &stage.stream(), None);
    stage.end();
    assert!(events.ends());
}
