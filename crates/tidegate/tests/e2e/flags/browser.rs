//! A page in a real browser: asks from another origin, and hears of a change while it is open.

use std::process::Command;

use serde_json::{Value, json};

use super::client::Client;
use super::packages;
use super::served::{Served, released};
use crate::clients::browser::Browser;

const KEY: &str = "a-key-for-the-page-2026";

#[test]
fn a_page_hears_of_a_change() {
    let served = Served::with_key(KEY);
    let mut server = Command::new(packages::python());
    server.arg(packages::programs().join("page_server.py")).arg(packages::node().join("node_modules"));
    let page = Client::of(&mut server);
    let port = page.line();
    let address = served.ofrep;
    let _browser =
        Browser::open(&format!("http://127.0.0.1:{port}/page.html?key={KEY}&flags=http://{address}"));

    let first = report(&page);
    assert_eq!(seen(&first, "banner"), json!([false, "STATIC", "off"]), "{first:#}");
    assert_eq!(seen(&first, "greeting"), json!(["welcome back", "TARGETING_MATCH", "warm"]), "{first:#}");
    assert_eq!(seen(&first, "theme")[0], json!({ "accent": "teal", "level": 3 }), "{first:#}");
    assert_eq!(first["missing"]["errorCode"], "FLAG_NOT_FOUND", "{first:#}");
    served.wait_for_streams(1);
    served.replace(&released());
    let second = report(&page);
    assert_eq!(second["changed"], json!(["new-checkout"]), "{second:#}");
    assert_eq!(seen(&second, "banner"), json!([true, "STATIC", "on"]), "{second:#}");
    served.replace(&super::served::flags());
    let third = report(&page);
    assert_eq!(seen(&third, "banner"), json!([false, "STATIC", "off"]), "{third:#}");
}

fn report(page: &Client) -> Value {
    let said: Value = serde_json::from_str(&page.line()).unwrap();
    assert!(said["error"].is_null(), "{said:#}");
    said
}

fn seen(report: &Value, flag: &str) -> Value {
    json!([report[flag]["value"], report[flag]["reason"], report[flag]["variant"]])
}
