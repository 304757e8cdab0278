//! Flag sets as a whole: how they are read, what is refused, what differs, what is selected, and what is told of one flag.

use serde_json::{Value, json};
use tidegate_flags::{ChangeKind, Context, ErrorCode, FlagSet, Fractional, Options};

fn parse(file: &Value) -> FlagSet {
    FlagSet::parse(&file.to_string(), &Options::default()).unwrap()
}

fn on_off(rule: Value) -> Value {
    json!({"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off", "targeting": rule})
}

fn context(value: Value) -> Context {
    Context::new(value.as_object().unwrap().clone()).unwrap()
}

#[test]
fn yaml_says_the_same_as_json() {
    let yaml = "
metadata: {flagSetId: shop}
flags:
  new-cart:
    state: ENABLED
    variants: {on: true, off: false}
    defaultVariant: off
    targeting:
      if:
        - in: [{var: tier}, [gold, silver]]
        - fractional: [[on, 10], [off, 90]]
";
    let set = FlagSet::parse(yaml, &Options::default()).unwrap();
    let rule = json!({"if": [{"in": [{"var": "tier"}, ["gold", "silver"]]}, {"fractional": [["on", 10], ["off", 90]]}]});
    let same = parse(&json!({"metadata": {"flagSetId": "shop"}, "flags": {"new-cart": on_off(rule)}}));
    assert_eq!(set.source(), same.source());
    assert_eq!(same.diff(&set), []);
}

#[test]
fn what_flagd_refuses_is_refused_with_its_place() {
    let refused = |text: &str| FlagSet::parse(text, &Options::default()).unwrap_err().to_string();
    let flag = |members: Value| refused(&json!({"flags": {"a/b": members}}).to_string());
    assert_eq!(refused("[]"), "a flag file is an object with `flags`");
    assert_eq!(refused("{}"), "/flags: an object of flags is expected");
    assert_eq!(refused("{\"flags\": "), "no JSON: EOF while parsing a value at line 1 column 10");
    assert_eq!(refused(r#"{"flags": {}, "metadata": []}"#), "/metadata: an object is expected");
    assert_eq!(
        refused(r#"{"flags": {}, "metadata": {"fractional": "v1"}}"#),
        "/metadata/fractional: `v1` is no version of fractional: v2 or v3"
    );
    assert_eq!(flag(json!(1)), "/flags/a~1b: a flag is an object");
    assert_eq!(flag(json!({"variants": {}})), "/flags/a~1b/state: the state is ENABLED or DISABLED");
    assert_eq!(flag(json!({"state": "ENABLED"})), "/flags/a~1b/variants: an object of variants is expected");
    let default = json!({"state": "ENABLED", "variants": {"on": true}, "defaultVariant": "off"});
    assert_eq!(flag(default), "/flags/a~1b/defaultVariant: \"off\" is no variant of the flag");
    assert_eq!(refused(&"[".repeat(100_000)).split(':').next(), Some("no YAML"));
    assert!(refused(&format!("{{\"a\":{}1{}}}", "[".repeat(200), "]".repeat(200))).starts_with("no JSON"));
}

#[test]
fn one_rule_that_can_not_be_understood_does_not_spoil_the_others() {
    let set = parse(&json!({"flags": {"bad": on_off(json!({"nonsense": []})), "good": on_off(json!({}))}}));
    let problems: Vec<_> = set.problems().map(|problem| (problem.pointer, problem.message)).collect();
    assert_eq!(problems, [("/flags/bad/targeting".to_owned(), "`nonsense` is no operator".to_owned())]);
    let answers: Vec<_> =
        set.resolve_all(&Context::empty(), 0).map(|(key, answer)| (key, answer.is_ok())).collect();
    assert_eq!(answers, [("bad", false), ("good", true)]);
    assert_eq!(set.resolve("bad", &Context::empty(), 0).unwrap_err().code, ErrorCode::ParseError);
}

#[test]
fn rules_too_deep_for_the_stack_are_refused_not_followed() {
    let deep = (0..100).fold(json!("on"), |rule, _| json!({"if": [true, rule]}));
    let set = FlagSet::parse(
        &json!({"flags": {"f": on_off(json!("on"))}, "$evaluators": {"e": 1}}).to_string(),
        &Options::default(),
    );
    assert!(set.is_ok());
    let text = json!({"flags": {"f": on_off(deep)}}).to_string();
    assert!(FlagSet::parse(&text, &Options::default()).is_err(), "deeper than JSON may be");
}

#[test]
fn a_rule_without_end_for_one_context_is_stopped() {
    let mut rule = json!(1);
    for _ in 0..4 {
        rule = json!({"some": [{"var": "../../items"}, {"!": [rule]}]});
    }
    let nested = json!({"map": [{"var": "items"}, {"map": [{"var": "../../items"}, {"map": [{"var": "../../../../items"}, {"+": [1, {"var": ""}]}]}]}]});
    let set = parse(&json!({"flags": {"f": on_off(nested)}}));
    let failure = set.resolve("f", &context(json!({"items": vec![1; 200]})), 0).unwrap_err();
    assert_eq!(failure.code, ErrorCode::General);
    assert!(failure.details.contains("too many steps"), "{}", failure.details);
}

#[test]
fn changes_are_told_by_key() {
    let file = |shared: Value, flags: Value| parse(&json!({"$evaluators": {"who": shared}, "flags": flags}));
    let uses = on_off(json!({"if": [{"$ref": "who"}, "on"]}));
    let old = file(
        json!({"var": "a"}),
        json!({"gone": on_off(json!({})), "same": on_off(json!({})), "uses": uses, "rule": on_off(json!({}))}),
    );
    let new = file(
        json!({"var": "b"}),
        json!({"new": on_off(json!({})), "same": on_off(json!({})), "uses": uses, "rule": on_off(json!("on"))}),
    );
    let changes: Vec<_> = old.diff(&new).into_iter().map(|change| (change.key, change.kind)).collect();
    let expected = [
        ("gone", ChangeKind::Delete),
        ("new", ChangeKind::Write),
        ("rule", ChangeKind::Update),
        ("uses", ChangeKind::Update),
    ];
    assert_eq!(changes, expected.map(|(key, kind)| (key.to_owned(), kind)));
    assert_eq!(new.diff(&new), []);
}

#[test]
fn a_set_is_selected_by_its_id() {
    let mut other = on_off(json!({}));
    other["metadata"] = json!({"flagSetId": "other"});
    let set =
        parse(&json!({"metadata": {"flagSetId": "shop"}, "flags": {"a": on_off(json!({})), "b": other}}));
    let keys = |id: &str| set.select(id).keys().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(keys("shop"), ["a"]);
    assert_eq!(keys("other"), ["b"]);
    assert!(set.select("none").is_empty() && set.select("").is_empty());
    let served: Value = serde_json::from_str(set.select("other").source()).unwrap();
    assert_eq!(served["flags"].as_object().unwrap().len(), 1);
}

#[test]
fn the_source_is_read_back_as_the_same_set() {
    let set = parse(&json!({
        "metadata": {"flagSetId": "shop", "fractional": "v3"},
        "segments": {"beta": {"include": ["u1"]}},
        "flags": {"a": on_off(json!({"if": [{"segment": "beta"}, "on"]})), "b": on_off(json!({"ramp": {"variant": "on", "steps": [[5, 50]]}}))},
    }));
    let again = FlagSet::parse(set.source(), &Options::default()).unwrap();
    assert_eq!(again.source(), set.source());
    assert_eq!(set.diff(&again), []);
    assert_eq!(again.fractional(), Fractional::V3);
}

#[test]
fn an_explanation_names_the_branch_and_the_draw() {
    let rule = json!({"if": [
        {"$ref": "staff"}, "on",
        {"==": [{"var": "tier"}, "gold"]}, {"fractional": [["on", 50], ["off", 50]]},
        "off",
    ]});
    let set = parse(
        &json!({"$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@x.org"]}}, "flags": {"f": on_off(rule)}}),
    );
    let explain = |who: Value| set.explain("f", &context(who), 0);
    let told = explain(json!({"targetingKey": "u1", "tier": "gold", "email": "a@y.org"}));
    let steps: Vec<_> = told.steps.iter().map(|step| (step.pointer.as_str(), step.note.as_str())).collect();
    assert_eq!(steps[0], ("/if/0", "does not hold"));
    assert_eq!(steps[1], ("/if/2", "holds"));
    assert_eq!(steps[2].0, "/if/3");
    assert!(
        steps[2].1.starts_with("drawn: hash 0x") && steps[2].1.contains(" of 100, share "),
        "{}",
        steps[2].1
    );
    assert_eq!(told.reason, "TARGETING_MATCH");
    let by_mail = explain(json!({"email": "a@x.org"}));
    assert_eq!(
        by_mail.steps.iter().map(|step| step.pointer.as_str()).collect::<Vec<_>>(),
        ["/if/0", "/if/1"]
    );
    assert_eq!(by_mail.variant.as_deref(), Some("on"));
    let nobody = explain(json!({"tier": "gold"}));
    assert_eq!(nobody.steps[2].note, "nobody to draw for: no targeting key, or no valid shares");
    let failed = explain(json!({"tier": 5}));
    assert_eq!((failed.reason, failed.steps.len()), ("ERROR", 2));
    assert_eq!(set.explain("none", &Context::empty(), 0).failure.unwrap().code, ErrorCode::FlagNotFound);
}

#[test]
fn the_example_of_the_guide_is_a_flag_file() {
    let guide = include_str!("../../../../docs/guides/flag-rules.md");
    let yaml = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let set = FlagSet::parse(yaml, &Options::default()).unwrap();
    assert_eq!(set.problems().collect::<Vec<_>>(), []);
    let ann = context(json!({"targetingKey": "ann"}));
    assert_eq!(set.resolve("new-cart", &ann, 0).unwrap().variant, Some("on"));
    assert_eq!(
        set.resolve("one-click", &context(json!({"targetingKey": "eve"})), 0).unwrap().variant,
        Some("off")
    );
}
