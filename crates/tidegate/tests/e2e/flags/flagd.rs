//! flagd's protocols by the providers of Node and Python: evaluation by the server, and in the client's own process.

use serde_json::{Value, json};

use super::client::{Client, Language, question};
use super::served::{Served, released};

/// All types, and every way to get none.
fn questions() -> Vec<Value> {
    let customer = json!({ "targetingKey": "u1", "email": "ann@shop.example", "age": 40 });
    vec![
        question("boolean", "new-checkout", json!(true), customer.clone()),
        question("string", "greeting", json!("none"), customer),
        question("string", "greeting", json!("none"), json!({ "targetingKey": "u2" })),
        question("integer", "limit", json!(1), json!({})),
        question("float", "ratio", json!(0.25), json!({})),
        question("boolean", "missing", json!(true), json!({})),
        question("boolean", "theme", json!(true), json!({})),
        question("boolean", "callers", json!(true), json!({})),
        question("boolean", "lost", json!(false), json!({})),
    ]
}

/// Value, variant and error of each answer; reasons differ by provider where a value is kept.
fn outlines(answers: &[Value]) -> Vec<Value> {
    let error = |answer: &Value| {
        if answer["errorCode"].is_null() { json!(null) } else { answer["errorCode"].clone() }
    };
    answers.iter().map(|answer| json!([answer["value"], error(answer)])).collect()
}

fn expected(checkout: bool) -> Vec<Value> {
    vec![
        json!([checkout, null]),
        json!(["welcome back", null]),
        json!(["hello", null]),
        json!([100, null]),
        json!([1.0, null]),
        json!([true, "FLAG_NOT_FOUND"]),
        json!([true, "TYPE_MISMATCH"]),
        json!([true, null]),
        json!([false, "GENERAL"]),
    ]
}

/// Numbers as numbers: some clients say 1 for 1.0.
fn same(answers: &[Value], expected: &[Value], who: &str) {
    let number = |value: &Value| value[0].as_f64().map_or(value[0].clone(), |number| json!(number));
    let plain = |all: &[Value]| all.iter().map(|value| json!([number(value), value[1]])).collect::<Vec<_>>();
    assert_eq!(plain(&outlines(answers)), plain(expected), "{who}");
}

fn a_provider(language: Language, kind: &str) {
    let served = Served::start();
    let address = if kind == "rpc" { served.grpc } else { served.sync };
    let client = Client::start(language, kind, address, &questions(), None);
    same(&client.answers(), &expected(false), "at first");
    served.replace(&released());
    same(&client.answers(), &expected(true), "after the change");
}

#[test]
fn node_asks_the_server_and_hears_of_a_change() {
    a_provider(Language::Node, "rpc");
}

#[test]
fn node_evaluates_by_itself_what_is_sent() {
    a_provider(Language::Node, "in-process");
}

#[test]
fn python_asks_the_server_and_hears_of_a_change() {
    a_provider(Language::Python, "rpc");
}

#[test]
fn python_evaluates_by_itself_what_is_sent() {
    a_provider(Language::Python, "in-process");
}
