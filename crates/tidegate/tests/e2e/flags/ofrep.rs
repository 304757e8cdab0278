//! OFREP by the providers of Node, Python and Rust.

use serde_json::{Value, json};

use super::client::{Client, Language, question};
use super::served::{Served, released};

const KEY: &str = "a-key-for-the-shop-2026";

/// All types, and every way to get none.
fn questions() -> Vec<Value> {
    let customer = json!({ "targetingKey": "u1", "email": "ann@shop.example" });
    let stranger = json!({ "targetingKey": "u2", "email": "bob@elsewhere.example" });
    vec![
        question("boolean", "new-checkout", json!(true), customer.clone()),
        question("string", "greeting", json!("none"), customer.clone()),
        question("string", "greeting", json!("none"), stranger),
        question("integer", "limit", json!(1), json!({})),
        question("float", "ratio", json!(0.25), json!({})),
        question("object", "theme", json!({}), customer),
        question("boolean", "missing", json!(true), json!({})),
        question("boolean", "broken", json!(false), json!({})),
        question("boolean", "lost", json!(false), json!({})),
        question("string", "new-checkout", json!("text"), json!({})),
    ]
}

/// Value, reason, variant and error of each answer.
fn outlines(answers: &[Value]) -> Vec<Value> {
    let outline =
        |answer: &Value| json!([answer["value"], answer["reason"], answer["variant"], answer["errorCode"]]);
    answers.iter().map(outline).collect()
}

fn expected() -> Vec<Value> {
    vec![
        json!([false, "STATIC", "off", null]),
        json!(["welcome back", "TARGETING_MATCH", "warm", null]),
        json!(["hello", "DEFAULT", "plain", null]),
        json!([100, "STATIC", "high", null]),
        json!([1.0, "STATIC", "whole", null]),
        json!([{ "accent": "teal", "level": 3 }, "STATIC", "dark", null]),
        json!([true, "ERROR", null, "FLAG_NOT_FOUND"]),
        json!([false, "ERROR", null, "PARSE_ERROR"]),
        json!([false, "ERROR", null, "GENERAL"]),
        json!(["text", "ERROR", null, "TYPE_MISMATCH"]),
    ]
}

#[test]
fn every_type_and_error_arrives() {
    let served = Served::start();
    for language in [Language::Node, Language::Python] {
        let client = Client::start(language, "ofrep", served.ofrep, &questions(), None);
        let answers = client.answers();
        assert_eq!(outlines(&answers), whole_numbers(expected(), language), "{language:?}");
        assert_eq!(answers[1]["metadata"], json!({ "team": "shop", "owner": "texts" }), "{language:?}");
    }
}

/// Rust's provider of today takes every value for a static one, and for a failure what the status alone says.
#[test]
fn every_type_and_error_arrives_in_rust() {
    let served = Served::start();
    let client = Client::start(Language::Rust, "ofrep", served.ofrep, &questions(), None);
    assert_eq!(
        outlines(&client.answers()),
        [
            json!([false, "STATIC", "off", null]),
            json!(["welcome back", "STATIC", "warm", null]),
            json!(["hello", "STATIC", "plain", null]),
            json!([100, "STATIC", "high", null]),
            json!([1.0, "STATIC", "whole", null]),
            json!([{ "accent": "teal", "level": 3 }, "STATIC", "dark", null]),
            json!([true, null, null, "FLAG_NOT_FOUND"]),
            json!([false, null, null, "INVALID_CONTEXT"]),
            json!([false, null, null, "INVALID_CONTEXT"]),
            json!(["text", null, null, "PARSE_ERROR"]),
        ]
    );
}

/// JavaScript has one type of numbers, and prints a whole one without a point.
fn whole_numbers(mut expected: Vec<Value>, language: Language) -> Vec<Value> {
    if language == Language::Node {
        expected[4][0] = json!(1);
    }
    expected
}

/// A flag that is off, or has no default, is what the caller says. Node's and Rust's providers of today take such an answer for an
/// error.
#[test]
fn flags_without_a_value_are_the_callers() {
    let served = Served::start();
    let asked = ["gone", "callers"].map(|flag| question("boolean", flag, json!(true), json!({})));
    let python = Client::start(Language::Python, "ofrep", served.ofrep, &asked, None);
    assert_eq!(
        outlines(&python.answers()),
        [json!([true, "DISABLED", "", null]), json!([true, "DEFAULT", "", null])]
    );
    for language in [Language::Node, Language::Rust] {
        let client = Client::start(language, "ofrep", served.ofrep, &asked, None);
        assert!(client.answers().iter().all(|answer| answer["value"] == true), "{language:?}");
    }
}

#[test]
fn only_those_with_a_key_are_answered() {
    let served = Served::with_key(KEY);
    let asked = [question("integer", "limit", json!(1), json!({}))];
    for language in [Language::Node, Language::Python, Language::Rust] {
        let ask = |key| Client::start(language, "ofrep", served.ofrep, &asked, key).answers().remove(0);
        assert_eq!(ask(Some(KEY))["value"], 100, "{language:?}");
        for wrong in [None, Some("a-key-for-the-shop-2025")] {
            let answer = ask(wrong);
            assert_eq!(
                (&answer["value"], &answer["errorCode"]),
                (&json!(1), &json!("GENERAL")),
                "{language:?}"
            );
        }
    }
}

#[test]
fn a_changed_file_is_served_and_a_broken_one_is_not() {
    let served = Served::start();
    let asked = [question("boolean", "new-checkout", json!(false), json!({}))];
    let ask =
        || Client::start(Language::Node, "ofrep", served.ofrep, &asked, None).answers()[0]["variant"].clone();
    assert_eq!(ask(), "off");
    served.replace(&released());
    served.wait_until_said("serving 9 flags");
    assert_eq!(ask(), "on");
    std::fs::write(served.file(), "{\"flags\": {").unwrap();
    served.wait_until_said("still served");
    assert_eq!(ask(), "on");
    assert!(served.said().contains("flags.json: no JSON"), "{}", served.said());
}
