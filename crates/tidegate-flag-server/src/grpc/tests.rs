//! What the services say where clients would not show the difference: codes, versions, flag sets, events.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};
use tidegate_flags::{FlagSet, Options};
use tokio_stream::StreamExt;
use tonic::{Code, Request};

use super::desk::Desk;
use super::proto::evaluation_v1::{self as v1, service_server::Service as _};
use super::proto::evaluation_v2 as v2;
use super::proto::sync_v1::{self as sync, flag_sync_service_server::FlagSyncService as _};
use crate::board::Board;
use crate::hall::Hall;
use crate::keys::{Grant, Holder, Keys};
use crate::places::Places;
use crate::snapshot::Snapshot;
use crate::stop::Stopper;

fn flags(banner: &str) -> Value {
    let flag = |default: Value| json!({ "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": default });
    let mut flags = json!({ "metadata": { "team": "shop" }, "flags": {
        "banner": flag(json!(banner)),
        "callers": flag(Value::Null),
        "gone": flag(json!("on")),
        "broken": flag(json!("on")),
        "lost": flag(json!("on")),
        "web": flag(json!("on")),
        "number": { "state": "ENABLED", "variants": { "a": 7.9 }, "defaultVariant": "a" },
        "list": { "state": "ENABLED", "variants": { "a": [1] }, "defaultVariant": "a" },
    }});
    flags["flags"]["gone"]["state"] = json!("DISABLED");
    flags["flags"]["broken"]["targeting"] = json!({ "$ref": "nobody" });
    flags["flags"]["lost"]["targeting"] = json!({ "if": [true, "elsewhere"] });
    flags["flags"]["web"]["metadata"] = json!({ "flagSetId": "web" });
    flags
}

fn snapshot(flags: &Value) -> Snapshot {
    Snapshot::new(FlagSet::parse(&flags.to_string(), &Options::default()).unwrap(), SystemTime::now())
}

fn desk(own: Option<&str>) -> (Desk, Arc<Board>, Stopper) {
    let board = Board::new(snapshot(&flags("off")));
    let (stopper, stop) = Stopper::new();
    let places = [Places::new(1), Places::new(10_000)];
    let grant = own.map(|set| Grant { flag_set: Some(set.to_owned()), ..Grant::default() });
    let keys = grant.map_or_else(Keys::default, |grant| Keys::of(Vec::new(), Some(grant)));
    let hall = Hall::of_one(board.clone(), keys);
    let pass = hall.find(Holder::Nobody).unwrap();
    (Desk::new(hall, pass, places, stop), board, stopper)
}

fn of_v1(key: &str) -> Request<v1::ResolveBooleanRequest> {
    Request::new(v1::ResolveBooleanRequest { flag_key: key.to_owned(), context: None })
}

fn of_v2(key: &str) -> Request<v2::ResolveBooleanRequest> {
    Request::new(v2::ResolveBooleanRequest { flag_key: key.to_owned(), context: None })
}

fn selecting<T>(mut request: Request<T>, selector: &'static str) -> Request<T> {
    request.metadata_mut().insert("flagd-selector", selector.parse().unwrap());
    request
}

#[tokio::test]
async fn each_failure_has_its_code() {
    let (desk, _, _stopper) = desk(None);
    for (key, code) in [
        ("missing", Code::NotFound),
        ("broken", Code::DataLoss),
        ("lost", Code::Internal),
        ("number", Code::InvalidArgument),
        ("list", Code::InvalidArgument),
    ] {
        let one = v1::service_server::Service::resolve_boolean(&desk, of_v1(key)).await.unwrap_err();
        let two = v2::service_server::Service::resolve_boolean(&desk, of_v2(key)).await.unwrap_err();
        assert_eq!((one.code(), two.code()), (code, code), "{key}");
    }
}

#[tokio::test]
async fn without_a_value_the_versions_differ() {
    let (desk, _, _stopper) = desk(None);
    let two = |key| v2::service_server::Service::resolve_boolean(&desk, of_v2(key));
    for (key, reason) in [("callers", "DEFAULT"), ("gone", "DISABLED")] {
        let answer = two(key).await.unwrap().into_inner();
        assert_eq!((answer.value, answer.variant, answer.reason.as_str()), (None, None, reason), "{key}");
    }
    let one = |key| v1::service_server::Service::resolve_boolean(&desk, of_v1(key));
    assert_eq!(one("callers").await.unwrap_err().code(), Code::NotFound);
    let gone = one("gone").await.unwrap().into_inner();
    assert_eq!((gone.value, gone.variant.as_str(), gone.reason.as_str()), (false, "", "DISABLED"));
}

#[tokio::test]
async fn whole_numbers_lose_what_is_behind_the_point() {
    let (desk, _, _stopper) = desk(None);
    let asked = v2::ResolveIntRequest { flag_key: "number".to_owned(), context: None };
    let answer = v2::service_server::Service::resolve_int(&desk, Request::new(asked)).await;
    assert_eq!(answer.unwrap().into_inner().value, Some(7));
}

#[tokio::test]
async fn all_flags_that_have_a_value() {
    let (desk, _, _stopper) = desk(None);
    let answer = desk.resolve_all(Request::new(v1::ResolveAllRequest::default())).await.unwrap().into_inner();
    let mut keys: Vec<_> = answer.flags.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["banner", "number", "web"]);
    assert_eq!(answer.flags["banner"].value, Some(v1::any_flag::Value::BoolValue(false)));
    assert!(answer.metadata.unwrap().fields.contains_key("team"));
}

#[tokio::test]
async fn flag_sets_are_selected_and_kept_apart() {
    let (everybody, _, _stopper) = desk(None);
    let ask = |desk: &Desk, key: &str, selector| {
        let request = selecting(of_v2(key), selector);
        let desk = desk.clone();
        async move {
            v2::service_server::Service::resolve_boolean(&desk, request)
                .await
                .map(|_| ())
                .map_err(|no| no.code())
        }
    };
    assert_eq!(ask(&everybody, "web", "flagSetId=web").await, Ok(()));
    assert_eq!(ask(&everybody, "banner", "flagSetId=web").await, Err(Code::NotFound));
    assert_eq!(ask(&everybody, "banner", "source=file").await, Err(Code::InvalidArgument));
    let (of_web, _, _other) = desk(Some("web"));
    assert_eq!(ask(&of_web, "web", "").await, Ok(()));
    assert_eq!(ask(&of_web, "web", "flagSetId=shop").await, Err(Code::PermissionDenied));
    // The old way: in the message.
    let asked = sync::FetchAllFlagsRequest { selector: "flagSetId=web".to_owned(), ..Default::default() };
    let sent = everybody.fetch_all_flags(Request::new(asked)).await.unwrap().into_inner();
    let sent: Value = serde_json::from_str(&sent.flag_configuration).unwrap();
    assert_eq!(sent["flags"].as_object().unwrap().keys().collect::<Vec<_>>(), ["web"]);
}

#[tokio::test]
async fn events_say_ready_and_what_changed() {
    let (desk, board, stopper) = desk(None);
    let begun =
        v2::service_server::Service::event_stream(&desk, Request::new(v2::EventStreamRequest {})).await;
    let mut events = begun.unwrap().into_inner();
    assert_eq!(events.next().await.unwrap().unwrap().r#type, "provider_ready");
    let mut newer = flags("on");
    let members = newer["flags"].as_object_mut().unwrap();
    members.remove("list");
    members.insert("new".to_owned(), members["banner"].clone());
    board.publish(snapshot(&newer));
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.r#type, "configuration_change");
    let data = Value::Object(super::convert::object(event.data.unwrap()));
    let kind = |kind: &str| json!({ "type": kind });
    let flags = json!({ "banner": kind("update"), "list": kind("delete"), "new": kind("write") });
    assert_eq!(data, json!({ "flags": flags }));
    stopper.stop();
    assert_eq!(events.next().await.unwrap().unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn definitions_come_at_once_and_after_each_change() {
    let (desk, board, _stopper) = desk(None);
    let begun = desk.sync_flags(Request::new(sync::SyncFlagsRequest::default())).await;
    let mut sent = begun.unwrap().into_inner();
    let mut default = async || {
        let message = sent.next().await.unwrap().unwrap();
        let file: Value = serde_json::from_str(&message.flag_configuration).unwrap();
        file["flags"]["banner"]["defaultVariant"].clone()
    };
    assert_eq!(default().await, "off");
    board.publish(snapshot(&flags("on")));
    assert_eq!(default().await, "on");
}

#[tokio::test]
async fn one_stream_too_many_is_told_to_come_back() {
    let (desk, _board, _stopper) = desk(None);
    let begin = || desk.sync_flags(Request::new(sync::SyncFlagsRequest::default()));
    let first = begin().await.unwrap();
    assert_eq!(begin().await.unwrap_err().code(), Code::ResourceExhausted);
    drop(first);
}

#[tokio::test]
async fn one_long_answer_too_many_is_told_to_come_back() {
    let (desk, _board, _stopper) = desk(None);
    let ask = || desk.resolve_all(Request::new(v1::ResolveAllRequest::default()));
    let mut answers = Vec::new();
    let refused = loop {
        match ask().await {
            Ok(answer) => answers.push(answer),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(!answers.is_empty() && answers.len() < 10, "{}", answers.len());
    answers.pop();
    assert!(ask().await.is_ok());
}
