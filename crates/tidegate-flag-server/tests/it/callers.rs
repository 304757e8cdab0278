//! Who may ask.

use super::http::{Answer, get, send};
use super::stage::{Set, Stage};

const KEYS: &str = "0123456789abcdef\nfedcba9876543210 flagSetId=web\n";

fn ask(stage: &Stage, key: &str, fields: &[(&str, &str)]) -> Answer {
    send(stage.ofrep, "POST", &format!("/ofrep/v1/evaluate/flags/{key}"), fields, "{}")
}

#[test]
fn without_a_key_or_with_a_wrong_one_nothing_is_answered() {
    let stage = Stage::of(Set { keys: KEYS, ..Set::default() });
    for fields in [&[][..], &[("x-api-key", "0123456789abcdeX")], &[("authorization", "Bearer x")]] {
        let answer = ask(&stage, "banner", fields);
        assert_eq!((answer.status, answer.field("www-authenticate")), (401, Some("Bearer")), "{fields:?}");
        assert!(answer.json()["errorDetails"].is_string());
        assert!(!answer.body.contains("0123"), "{answer:?}");
    }
    assert_eq!(get(stage.ofrep, "/metrics").status, 401);
    assert_eq!(get(stage.ofrep, "/healthz").status, 200);
    assert_eq!(ask(&stage, "banner", &[("x-api-key", "0123456789abcdef")]).status, 200);
    assert_eq!(ask(&stage, "banner", &[("authorization", "Bearer 0123456789abcdef")]).status, 200);
}

#[test]
fn a_key_of_one_flag_set_sees_that_alone() {
    let stage = Stage::of(Set { keys: KEYS, ..Set::default() });
    let key = ("x-api-key", "fedcba9876543210");
    assert_eq!(ask(&stage, "web", &[key]).status, 200);
    assert_eq!(ask(&stage, "banner", &[key]).status, 404);
    let other = ask(&stage, "banner", &[key, ("flagd-selector", "flagSetId=shop")]);
    assert_eq!(other.status, 403);
    assert!(other.json()["errorDetails"].is_string());
}

#[test]
fn a_stream_needs_a_ticket_of_ours() {
    let stage = Stage::new();
    for path in ["/ofrep/v1/stream", "/ofrep/v1/stream?ticket=", "/ofrep/v1/stream?ticket=1.a.AAAA"] {
        assert_eq!(get(stage.ofrep, path).status, 401, "{path}");
    }
}
