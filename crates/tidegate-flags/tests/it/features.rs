//! What the features of flagd's own test bed promise, as one table: a flag, who asks, and what has to come out.

use serde_json::{Value, json};
use tidegate_flags::{Context, FlagSet, Options};

/// Key, context, and the variant (or an error code), with the reason where it matters.
type Case = (&'static str, Value, &'static str, &'static str);

const FLAGS: &str = include_str!("features.json");

fn check(cases: &[Case]) {
    let set = FlagSet::parse(FLAGS, &Options::default()).unwrap();
    for (key, context, expected, reason) in cases {
        let context = Context::new(context.as_object().unwrap().clone()).unwrap();
        let (answer, why) = match set.resolve(key, &context, 1_790_000_000) {
            Ok(resolution) => (resolution.variant.unwrap_or("none").to_owned(), resolution.reason.as_str()),
            Err(failure) => (failure.code.as_str().to_owned(), "ERROR"),
        };
        assert_eq!(answer, *expected, "{key} for {context:?}");
        assert!(reason.is_empty() || *reason == why, "{key} for {context:?}: {why}, not {reason}");
    }
}

#[test]
fn flags_without_rules_are_static() {
    for key in [
        "boolean",
        "string",
        "integer",
        "float",
        "object",
        "zero-boolean",
        "zero-string",
        "zero-integer",
        "zero-object",
    ] {
        check(&[
            (key, json!({}), "default", "STATIC"),
            (key, json!({"targetingKey": "u"}), "default", "STATIC"),
        ]);
    }
    check(&[("empty-rule", json!({}), "default", "STATIC")]);
}

#[test]
fn values_keep_their_type() {
    let set = FlagSet::parse(FLAGS, &Options::default()).unwrap();
    let value = |key: &str| set.resolve(key, &Context::empty(), 0).unwrap().value.cloned();
    assert_eq!(value("boolean"), Some(json!(true)));
    assert_eq!(value("integer"), Some(json!(10)));
    assert_eq!(value("float"), Some(json!(0.5)));
    assert_eq!(value("zero-boolean"), Some(json!(false)));
    assert_eq!(value("zero-string"), Some(json!("")));
    assert_eq!(value("zero-object"), Some(json!({})));
    assert_eq!(value("object"), Some(json!({"title": "Look", "perPage": 100, "show": true})));
    assert_eq!(value("null-default"), None);
}

#[test]
fn without_a_default_variant_the_caller_has_its_own() {
    check(&[
        ("null-default", json!({}), "none", "DEFAULT"),
        ("no-default", json!({}), "none", "DEFAULT"),
        ("no-default-targeted", json!({"email": "boss@example.com"}), "special", "TARGETING_MATCH"),
        ("no-default-targeted", json!({"email": "other@example.com"}), "none", "DEFAULT"),
        ("no-default-no-else", json!({"email": "other@example.com"}), "none", "DEFAULT"),
        ("disabled", json!({"targetingKey": "u"}), "none", "DISABLED"),
    ]);
}

#[test]
fn errors_have_their_codes() {
    check(&[
        ("missing", json!({}), "FLAG_NOT_FOUND", "ERROR"),
        ("unknown-evaluator", json!({}), "PARSE_ERROR", "ERROR"),
        ("unknown-operator", json!({}), "PARSE_ERROR", "ERROR"),
        ("unknown-variant", json!({"targetingKey": "u"}), "GENERAL", "ERROR"),
    ]);
}

#[test]
fn evaluators_are_shared_by_name() {
    for key in ["shared", "shared-nested"] {
        check(&[
            (key, json!({"email": "boss@example.com"}), "yes", "TARGETING_MATCH"),
            (key, json!({"email": "other@example.com"}), "no", "TARGETING_MATCH"),
        ]);
    }
    check(&[
        ("targeting-key", json!({"targetingKey": "chosen"}), "hit", "TARGETING_MATCH"),
        ("targeting-key", json!({"targetingKey": "other"}), "miss", "DEFAULT"),
        ("targeted-zero", json!({"email": "boss@example.com"}), "zero", "TARGETING_MATCH"),
        ("targeted-zero", json!({"email": "other@example.com"}), "zero", "DEFAULT"),
    ]);
}

/// Draws as flagd's test bed has them for the second version of `fractional`.
#[test]
fn draws_fall_where_flagds_do() {
    let named = |name: &str| json!({"user": {"name": name}});
    let key = |key: &str| json!({"targetingKey": key});
    check(&[
        ("fractional-flag", named("jack"), "hearts", "TARGETING_MATCH"),
        ("fractional-flag", named("queen"), "spades", ""),
        ("fractional-flag", named("ten"), "clubs", ""),
        ("fractional-flag", named("nine"), "diamonds", ""),
        ("fractional-flag", json!({"user": {"name": 3}}), "clubs", ""),
        ("fractional-flag-shorthand", key("jon@company.com"), "heads", ""),
        ("fractional-flag-shorthand", key("jane@company.com"), "tails", ""),
        ("shared-seed", named("seven"), "hearts", ""),
        ("shared-seed", named("eight"), "diamonds", ""),
        ("shared-seed", named("nine"), "clubs", ""),
        ("shared-seed", named("two"), "spades", ""),
        ("single", key("anybody"), "only", ""),
        ("edges", key("ejOoVL"), "lower", ""),
        ("edges", key("bY9fO-"), "lower", ""),
        ("edges", key("SI7p-"), "lower", ""),
        ("edges", key("6LvT0"), "upper", ""),
        ("edges", key("ceQdGm"), "upper", ""),
    ]);
}

#[test]
fn shares_are_rules_as_well() {
    let who = |key: &str, name: &str, value: &str| json!({"targetingKey": key, name: value});
    check(&[
        ("nested-if", who("jon@company.com", "tier", "premium"), "premium", ""),
        ("nested-if", who("jon@company.com", "tier", "basic"), "standard", ""),
        ("nested-if", who("user1", "tier", "premium"), "standard", ""),
        ("nested-var", who("jon@company.com", "color", "red"), "red", ""),
        ("nested-var", who("user1", "color", "red"), "blue", ""),
        ("nested-var", who("jon@company.com", "color", "yellow"), "GENERAL", "ERROR"),
        ("nested-var", json!({"targetingKey": "jon@company.com"}), "default", "DEFAULT"),
        ("nested-weight", who("user1", "tier", "premium"), "red", ""),
        ("nested-weight", who("user1", "tier", "basic"), "blue", ""),
        ("as-condition", json!({"targetingKey": "u"}), "big", ""),
    ]);
}

#[test]
fn where_nobody_can_be_drawn_it_is_the_default() {
    check(&[
        ("fractional-flag-shorthand", json!({}), "draw", "DEFAULT"),
        ("fractional-flag-shorthand", json!({"targetingKey": ""}), "draw", "DEFAULT"),
        ("null-bucket", json!({}), "default", "DEFAULT"),
        ("null-bucket", json!({"targetingKey": "u"}), "default", "DEFAULT"),
        ("zero-weights", json!({"targetingKey": "u"}), "default", "DEFAULT"),
        ("too-much-weight", json!({"targetingKey": "u"}), "default", "DEFAULT"),
        ("negative-weight", json!({"targetingKey": "any-user"}), "two", "TARGETING_MATCH"),
    ]);
}

#[test]
fn versions_are_compared() {
    let version = |version: Value| json!({"version": version});
    let mut cases: Vec<Case> = Vec::new();
    for (text, expected) in [
        ("2.0.0", "equal"),
        ("2.1.0", "greater"),
        ("1.9.0", "lesser"),
        ("2.0.0-alpha", "lesser"),
        ("2.0.0.0", "none"),
    ] {
        cases.push(("order", version(json!(text)), expected, ""));
    }
    for (text, expected) in [("3.0.1", "minor"), ("3.1.0", "major"), ("4.0.0", "none")] {
        cases.push(("range", version(json!(text)), expected, ""));
    }
    for v in [
        json!("1.5.0"),
        json!("1.0"),
        json!("1"),
        json!(1),
        json!(1.2),
        json!("v1.0.0"),
        json!("V1.0.0+other"),
    ] {
        cases.push(("partial", version(v), "match", ""));
    }
    cases.push(("partial", version(json!("2.0.0")), "no-match", ""));
    for v in [json!("not-a-version"), json!(null), json!(""), json!([])] {
        cases.push(("equal-to-one", version(v), "default", "DEFAULT"));
    }
    cases.push(("bad-operator", version(json!("1.0.0")), "default", "DEFAULT"));
    cases.push(("version-without-target", version(json!("1.0.0")), "default", "DEFAULT"));
    check(&cases);
}

#[test]
fn text_is_compared_at_its_ends() {
    check(&[
        ("affixes", json!({"id": "abcdef"}), "prefix", ""),
        ("affixes", json!({"id": "uvwxyz"}), "postfix", ""),
        ("affixes", json!({"id": "abcxyz"}), "prefix", ""),
        ("affixes", json!({"id": "lmnopq"}), "none", ""),
        ("affixes", json!({"id": 5}), "none", ""),
        ("prefix-alone", json!({"id": 123}), "default", "DEFAULT"),
        ("prefix-alone", json!({"id": "abc"}), "true", "TARGETING_MATCH"),
        ("prefix-alone", json!({"id": "cba"}), "false", "TARGETING_MATCH"),
        ("prefix-without-target", json!({"id": "abc"}), "default", "DEFAULT"),
    ]);
}

#[test]
fn flagds_own_words_are_in_the_context() {
    check(&[
        ("own-key", json!({"$flagd": {"flagKey": "forged"}}), "yes", ""),
        ("after-2026", json!({"$flagd": {"timestamp": 0}}), "yes", ""),
        ("after-2100", json!({}), "no", ""),
    ]);
}

#[test]
fn metadata_of_the_set_is_overlaid_by_the_flags() {
    let set = FlagSet::parse(FLAGS, &Options::default()).unwrap();
    let of = |key: &str| match set.resolve(key, &Context::empty(), 0) {
        Ok(resolution) => resolution.metadata.clone(),
        Err(failure) => failure.metadata,
    };
    assert_eq!(Value::Object(of("boolean")), json!({"flagSetId": "shop", "version": "v1"}));
    assert_eq!(Value::Object(of("missing")), json!({"flagSetId": "shop", "version": "v1"}));
    assert_eq!(
        Value::Object(of("with-metadata")),
        json!({"flagSetId": "shop", "version": "v2", "text": "1.0.2", "whole": 2, "truth": true, "broken": 0.1})
    );
}
