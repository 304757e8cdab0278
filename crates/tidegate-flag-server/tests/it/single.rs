//! One flag.

use serde_json::json;

use super::http::{Answer, get, post, send};
use super::stage::Stage;

fn ask(stage: &Stage, key: &str, body: &str) -> Answer {
    post(stage.ofrep, &format!("/ofrep/v1/evaluate/flags/{key}"), body)
}

#[test]
fn every_type_as_the_protocol_has_it() {
    let stage = Stage::new();
    let team = r#""metadata":{"team":"shop"}"#;
    for (key, expected) in [
        ("banner", r#"{"key":"banner","value":false,"reason":"STATIC","variant":"off","#),
        ("real", r#"{"key":"real","value":5.0,"reason":"STATIC","variant":"whole","#),
        ("whole", r#"{"key":"whole","value":5,"reason":"STATIC","variant":"five","#),
        ("words", r#"{"key":"words","value":"ä \"b\"","reason":"STATIC","variant":"a","#),
        ("object", r#"{"key":"object","value":{"deep":[1,2.0]},"reason":"STATIC","variant":"a","#),
        ("gone", r#"{"key":"gone","reason":"DISABLED","variant":"","#),
        ("callers", r#"{"key":"callers","reason":"DEFAULT","variant":"","#),
        ("late", r#"{"key":"late","value":true,"reason":"DEFAULT","variant":"on","#),
    ] {
        let answer = ask(&stage, key, r#"{"context":{"targetingKey":"u"}}"#);
        assert_eq!((answer.status, answer.body.as_str()), (200, &*format!("{expected}{team}}}")));
        assert_eq!(answer.field("content-type"), Some("application/json"));
    }
    let chosen = ask(&stage, "late", r#"{"context":{"email":"a@b"}}"#);
    assert_eq!(chosen.json()["reason"], "TARGETING_MATCH");
}

#[test]
fn every_failure_has_its_status_and_code() {
    let stage = Stage::new();
    let context = r#"{"context":{}}"#;
    for (key, body, status, code) in [
        ("missing", context, 404, "FLAG_NOT_FOUND"),
        ("broken", context, 400, "PARSE_ERROR"),
        ("lost", context, 400, "GENERAL"),
        ("banner", "{", 400, "INVALID_CONTEXT"),
        ("banner", "[]", 400, "INVALID_CONTEXT"),
        ("banner", r#"{"context":7}"#, 400, "INVALID_CONTEXT"),
        ("banner", r#"{"context":{"targetingKey":7}}"#, 400, "INVALID_CONTEXT"),
    ] {
        let answer = ask(&stage, key, body);
        let said = answer.json();
        assert_eq!((answer.status, &said["errorCode"]), (status, &json!(code)), "{key} {body}");
        assert_eq!(said["key"], key, "{body}");
        assert!(!said["errorDetails"].as_str().unwrap().is_empty(), "{key} {body}");
    }
    let deep = format!(r#"{{"context":{{"a":{}{}}}}}"#, "[".repeat(60), "]".repeat(60));
    let answer = ask(&stage, "banner", &deep);
    assert_eq!((answer.status, &answer.json()["errorCode"]), (400, &json!("INVALID_CONTEXT")));
}

#[test]
fn no_context_is_an_empty_one() {
    let stage = Stage::new();
    for body in ["", " ", "{}", r#"{"context":null}"#, r#"{"context":{"targetingKey":null}}"#] {
        assert_eq!(ask(&stage, "banner", body).status, 200, "{body}");
    }
}

#[test]
fn keys_may_be_escaped() {
    let stage = Stage::new();
    assert_eq!(ask(&stage, "a%2Fb%20c", "").json()["key"], "a/b c");
    assert_eq!(ask(&stage, "b%61nner", "").json()["key"], "banner");
    assert_eq!(ask(&stage, "%ff", "").json()["errorCode"], "FLAG_NOT_FOUND");
    assert_eq!(ask(&stage, &"x".repeat(600), "").status, 404);
}

#[test]
fn other_paths_and_methods_are_refused() {
    let stage = Stage::new();
    let answer = get(stage.ofrep, "/ofrep/v1/evaluate/flags/banner");
    assert_eq!((answer.status, answer.field("allow")), (405, Some("POST, OPTIONS")));
    assert_eq!(send(stage.ofrep, "POST", "/healthz", &[], "").status, 405);
    assert_eq!(post(stage.ofrep, "/ofrep/v1/evaluate", "").status, 404);
    assert!(post(stage.ofrep, "/", "").json()["errorDetails"].is_string());
}

#[test]
fn a_flag_set_is_chosen_by_the_selector() {
    let stage = Stage::new();
    let ask = |key: &str, selector: &str| {
        let path = format!("/ofrep/v1/evaluate/flags/{key}");
        send(stage.ofrep, "POST", &path, &[("flagd-selector", selector)], "")
    };
    assert_eq!(ask("web", "flagSetId=web").status, 200);
    assert_eq!(ask("banner", "flagSetId=web").status, 404);
    let wrong = ask("banner", "source=x");
    assert_eq!((wrong.status, &wrong.json()["errorCode"]), (400, &json!("GENERAL")));
}
