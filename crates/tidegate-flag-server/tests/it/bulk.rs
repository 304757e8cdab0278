//! All flags, and whether they changed.

use serde_json::{Value, json};

use super::http::{Answer, post, send};
use super::stage::{Stage, flags, released, snapshot};

const ALL: &str = "/ofrep/v1/evaluate/flags";

fn again(stage: &Stage, tag: &str, body: &str) -> Answer {
    send(stage.ofrep, "POST", ALL, &[("if-none-match", tag)], body)
}

#[test]
fn all_flags_with_what_went_wrong() {
    let stage = Stage::new();
    let answer = post(stage.ofrep, ALL, r#"{"context":{"email":"a@b"}}"#);
    let said = answer.json();
    assert_eq!(answer.status, 200);
    assert_eq!(said["metadata"], json!({ "team": "shop" }));
    let of = |key: &str| -> Value {
        let all = said["flags"].as_array().unwrap();
        all.iter().find(|flag| flag["key"] == key).unwrap().clone()
    };
    assert_eq!(said["flags"].as_array().unwrap().len(), flags()["flags"].as_object().unwrap().len());
    assert_eq!(of("late")["reason"], "TARGETING_MATCH");
    assert_eq!(
        (&of("broken")["errorCode"], &of("lost")["errorCode"]),
        (&json!("PARSE_ERROR"), &json!("GENERAL"))
    );
    assert!(of("gone").get("value").is_none());
    let stream = &said["eventStreams"][0];
    assert_eq!((&stream["type"], &stream["inactivityDelaySec"]), (&json!("sse"), &json!(120)));
    assert!(stream["endpoint"]["requestUri"].as_str().unwrap().starts_with("/ofrep/v1/stream?ticket="));
    // The same with a slash behind.
    assert_eq!(post(stage.ofrep, &format!("{ALL}/"), "{}").status, 200);
}

#[test]
fn the_tag_is_of_flags_and_context() {
    let stage = Stage::new();
    let body = r#"{"context":{"targetingKey":"u"}}"#;
    let first = post(stage.ofrep, ALL, body);
    let tag = first.field("etag").unwrap().to_owned();
    let same = again(&stage, &tag, body);
    assert_eq!((same.status, same.body.as_str(), same.field("etag")), (304, "", Some(tag.as_str())));
    assert_eq!(again(&stage, &tag, r#"{"context":{"targetingKey":"v"}}"#).status, 200, "another context");
    // Read anew, but the same.
    assert!(!stage.board.publish(snapshot(&flags())));
    assert_eq!(again(&stage, &tag, body).status, 304);
    assert!(stage.board.publish(snapshot(&released())));
    let changed = again(&stage, &tag, body);
    assert_eq!(changed.status, 200, "other flags");
    assert_ne!(changed.field("etag"), Some(tag.as_str()));
}

#[test]
fn a_context_that_cannot_be_used_fails_the_whole() {
    let stage = Stage::new();
    let answer = post(stage.ofrep, ALL, r#"{"context":"u"}"#);
    let said = answer.json();
    assert_eq!((answer.status, &said["errorCode"]), (400, &json!("INVALID_CONTEXT")));
    assert!(said.get("key").is_none());
}
