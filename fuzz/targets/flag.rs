//! Rules of flags: the first line is one, the rest is a context, both as JSON. What is not is taken for none.
#![no_main]

use serde_json::{Map, Value, json};
use tidegate_flags::{Context, FlagSet, Options};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let at = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (rule, rest) = bytes.split_at(at);
    let Ok(rule) = serde_json::from_slice::<Value>(rule) else { return };
    let context = serde_json::from_slice::<Map<String, Value>>(rest).unwrap_or_default();
    let Ok(context) = Context::new(context) else { return };
    // As a rule, and as one that another refers to.
    let flag = |rule: Value| {
        let variants = json!({ "on": true, "off": false, "": 0, "1": [1] });
        json!({ "state": "ENABLED", "variants": variants, "defaultVariant": "off", "targeting": rule })
    };
    let file = json!({
        "$evaluators": { "shared": rule },
        "flags": { "own": flag(rule), "referred": flag(json!({ "$ref": "shared" })) },
    });
    let Ok(set) = FlagSet::parse(&file.to_string(), &Options::default()) else { return };
    // Whoever evaluates by themselves gets this: it is read again, and means the same.
    let sent = FlagSet::parse(set.source(), &Options::default()).expect("what is sent can be read");
    assert_eq!(sent.source(), set.source());
    for key in ["own", "referred"] {
        let resolved = set.resolve(key, &context, 1_800_000_000);
        assert_eq!(resolved, sent.resolve(key, &context, 1_800_000_000));
        if let Ok(resolved) = resolved {
            assert!(["on", "off", "", "1"].map(Some).contains(&resolved.variant));
        }
        let _ = set.explain(key, &context, 1_800_000_000);
    }
});
