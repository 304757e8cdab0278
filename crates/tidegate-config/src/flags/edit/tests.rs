//! What stands around a change stays as it is written, and what is written is read as what was meant.

use serde_json::{Value as Json, json};
use tidegate_core::release::{RuleChange, WrittenBack};

use super::*;

const MANIFEST: &str = "# A shop.
app: shop
services: { web: { run: x } }
flags:
  # In front of the cart.
  new-cart:
    class: rollout
    owner: shop # the team
    expires: 2099-12-31
    # Staff first.
    targeting: { if: [{ var: staff }, \"on\"] } # everybody else later
  page-size: { class: operational, owner: platform, type: integer, variants: { small: 10, large: 100 }, default: large }

  banner:
    class: operational
    owner: shop
    default: 'off'
    targeting:
      if:
        - { var: beta }   # who asked for it
        - \"on\"
env: { A: b }
";

fn change(default: Option<&str>, safe: Option<&str>, rule: RuleChange) -> WrittenBack {
    let text = |text: Option<&str>| text.map(str::to_owned);
    WrittenBack { default: text(default), safe: text(safe), rule, flag: Json::Null }
}

fn draw() -> Json {
    json!({"fractional": [["on", 25], ["off", 75]]})
}

fn made(source: &Source, is_manifest: bool, changes: &[(&str, WrittenBack)]) -> Edited {
    let changes: Vec<_> =
        changes.iter().map(|(key, change)| (key.parse().unwrap(), change.clone())).collect();
    edited(source, is_manifest, &changes)
}

fn manifest_with(changes: &[(&str, WrittenBack)]) -> String {
    let source = Source::new("tidegate.yaml", MANIFEST);
    let made = made(&source, true, changes);
    assert_eq!(made.left, []);
    let (manifest, found) = crate::load(&Source::new("tidegate.yaml", made.text.clone()));
    assert!(manifest.is_some(), "{found:?}\n{}", made.text);
    made.diff("tidegate.yaml")
}

#[test]
fn a_manifest_keeps_its_comments_and_its_layout() {
    let diff = manifest_with(&[
        ("new-cart", change(Some("on"), Some("off"), RuleChange::Else(draw()))),
        ("page-size", change(Some("small"), Some("large"), RuleChange::Stays)),
        ("banner", change(Some("on"), None, RuleChange::Else(draw()))),
    ]);
    insta::assert_snapshot!(diff);
}

#[test]
fn a_rule_goes_with_its_lines() {
    let diff = manifest_with(&[
        ("new-cart", change(None, None, RuleChange::Goes)),
        ("banner", change(None, None, RuleChange::Goes)),
        ("page-size", change(None, None, RuleChange::Is(draw()))),
    ]);
    insta::assert_snapshot!(diff);
}

const FILE: &str = r#"{
  "flags": {
    "a": {
      "state": "ENABLED",
      "variants": { "on": true, "off": false },
      "defaultVariant": "off"
    },
    "b": {"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": {"if": [true, "on"]},
          "metadata": {"owner": "o"}}
  }
}"#;

#[test]
fn a_flag_file_in_json_stays_json() {
    let made = made(
        &Source::new("flags.json", FILE),
        false,
        &[
            ("a", change(Some("on"), Some("off"), RuleChange::Is(draw()))),
            ("b", change(Some("on"), Some("off"), RuleChange::Goes)),
        ],
    );
    assert_eq!(made.left, []);
    let read: Json = serde_json::from_str(&made.text).unwrap();
    let on_off = json!({"on": true, "off": false});
    assert_eq!(
        read["flags"],
        json!({
            "a": {"state": "ENABLED", "variants": on_off, "defaultVariant": "on", "targeting": draw(), "metadata": {"safe": "off"}},
            "b": {"state": "ENABLED", "variants": on_off, "defaultVariant": "on", "metadata": {"owner": "o", "safe": "off"}},
        })
    );
    insta::assert_snapshot!(made.diff("flags/our flags.json"));
}

#[test]
fn lines_that_end_otherwise_end_so_still() {
    let text = "flags:\r\n  a:\r\n    state: ENABLED\r\n    variants: { \"on\": true, \"off\": false }";
    let made =
        made(&Source::new("a.yaml", text), false, &[("a", change(Some("on"), None, RuleChange::Stays))]);
    assert_eq!(made.text, format!("{text}\r\n    defaultVariant: \"on\""));
    assert!(made.diff("a.yaml").ends_with("+    defaultVariant: \"on\"\n\\ No newline at end of file\n"));
}

#[test]
fn what_stands_elsewhere_is_left() {
    let text = "flags:\n  a: &a { state: ENABLED, variants: { x: 1 }, defaultVariant: x }\n  b: *a\n";
    let source = Source::new("a.yaml", text);
    let one = |key: &str| made(&source, false, &[(key, change(Some("z"), None, RuleChange::Stays))]);
    assert_eq!(one("b").left, ["b".parse().unwrap()]);
    assert_eq!(one("none").left, ["none".parse().unwrap()]);
    assert_eq!(one("b").diff("a.yaml"), "");
    assert!(one("a").text.contains("defaultVariant: z }"));
}

#[test]
fn a_list_of_flags_is_known_by_their_keys() {
    let text = "flags:\n- key: a\n  state: ENABLED\n  variants: { x: 1, z: 2 }\n  defaultVariant: x\n- key: b\n  state: ENABLED\n";
    let made =
        made(&Source::new("a.yaml", text), false, &[("a", change(Some("z"), None, RuleChange::Is(draw())))]);
    let expected =
        "  defaultVariant: z\n  targeting: {\"fractional\": [[\"on\", 25], [\"off\", 75]]}\n- key: b\n";
    assert!(made.text.contains(expected), "{}", made.text);
}
