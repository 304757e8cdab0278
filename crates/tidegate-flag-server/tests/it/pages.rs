//! What browsers need to let a page of another origin ask.

use super::http::{post, send};
use super::stage::{Set, Stage};

const ALL: &str = "/ofrep/v1/evaluate/flags";
const PAGE: (&str, &str) = ("origin", "https://shop.example");

#[test]
fn any_page_may_ask_and_read_the_tag() {
    let stage = Stage::of(Set { keys: "0123456789abcdef", ..Set::default() });
    let asks = [
        PAGE,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "authorization"),
    ];
    let allowed = send(stage.ofrep, "OPTIONS", ALL, &asks, "");
    assert_eq!((allowed.status, allowed.field("access-control-allow-origin")), (204, Some("*")));
    let fields = allowed.field("access-control-allow-headers").unwrap();
    for field in ["Authorization", "X-API-Key", "Content-Type", "If-None-Match"] {
        assert!(fields.contains(field), "{fields}");
    }
    assert!(allowed.field("access-control-allow-methods").unwrap().contains("POST"));
    // A page is to read why it was refused, too.
    let refused = send(stage.ofrep, "POST", ALL, &[PAGE], "");
    assert_eq!((refused.status, refused.field("access-control-allow-origin")), (401, Some("*")));
    assert!(refused.field("access-control-expose-headers").unwrap().contains("ETag"));
    assert_eq!(post(stage.ofrep, ALL, "").field("access-control-allow-origin"), None);
}

#[test]
fn other_origins_are_not_told_anything() {
    let stage = Stage::of(Set { origins: &["https://shop.example"], ..Set::default() });
    let of = |origin: &str| send(stage.ofrep, "POST", ALL, &[("origin", origin)], "");
    let ours = of("https://shop.example");
    assert_eq!(ours.field("access-control-allow-origin"), Some("https://shop.example"));
    assert_eq!(ours.field("vary"), Some("origin"));
    let other = of("https://evil.example");
    assert_eq!((other.field("access-control-allow-origin"), other.field("vary")), (None, Some("origin")));
}
