//! How the clients of each language are called, as their documentation has it.

use super::*;

fn calls(path: &str, text: &str) -> Vec<String> {
    let found = mentions(text, Language::of(path), &Keys::default());
    found.into_iter().map(|mention| mention.key).collect()
}

#[test]
fn calls_of_every_client_are_found() {
    for (path, text) in [
        ("a.ts", "const on = await client.getBooleanValue('new-cart', false, { targetingKey });"),
        ("a.ts", "client.getObjectValue<Cart<Item>>(\n  \"new-cart\",\n  {},\n)"),
        ("a.js", "client?.getStringDetails?.(`new-cart`, 'a')"),
        ("a.tsx", "const { value } = useBooleanFlagValue('new-cart', false);"),
        ("a.jsx", "useSuspenseFlag('new-cart', true)"),
        ("a.mjs", "getNumberValue('new-cart' , 1)"),
        ("a.py", "client.get_boolean_value(\"new-cart\", False, ctx)"),
        ("a.py", "await client.get_integer_details_async(flag_key='new-cart', default_value=1)"),
        ("a.go", "on, err := client.BooleanValue(ctx, \"new-cart\", false, ec)"),
        ("a.go", "client.StringValueDetails(\n\tcontext.Background(),\n\t\"new-cart\", \"a\", ec)"),
        ("A.java", "client.getBooleanValue(\"new-cart\", false)"),
        ("a.kt", "client.getIntegerDetails(key = \"new-cart\", 1)"),
        ("a.cs", "await client.GetBooleanValueAsync(\"new-cart\", false);"),
        ("a.rb", "client.fetch_boolean_value(flag_key: 'new-cart', default_value: false)"),
        ("a.php", "$client->getBooleanValue('new-cart', false)"),
        ("a.rs", "client.get_bool_value(\"new-cart\", None, None).await"),
        ("a.rs", "client.get_struct_value::<Cart>(\"new-cart\", None, None)"),
        ("a.swift", "client.getValue(key: \"new-cart\", defaultValue: false)"),
        ("a.dart", "client.getBooleanFlag('new-cart', defaultValue: false)"),
    ] {
        assert_eq!(calls(path, text), ["new-cart"], "{text}");
    }
}

#[test]
fn what_is_no_call_of_a_client_is_not_found() {
    for (path, text) in [
        ("A.java", "json.getBooleanValue(\"new-cart\")"),
        ("a.ts", "config.getValue('new-cart', false)"),
        ("a.ts", "getBooleanValue(key, 'new-cart', false)"),
        ("a.ts", "getBooleanValue('new cart', false)"),
        ("a.ts", "// client.getBooleanValue('new-cart', false)"),
        ("a.py", "# client.get_boolean_value('new-cart', False)"),
        ("a.ts", "getBooleanValue(`new-${part}`, false)"),
        ("a.go", "aws.StringValue(\"new-cart\", x)"),
        ("a.md", "client.getBooleanValue('new-cart', false)"),
        ("a.ts", "getBooleanValue(x); f('new-cart', false)"),
        ("a.ts", "'new-cart', 1"),
        ("a.ts", "'"),
    ] {
        assert_eq!(calls(path, text), [""; 0], "{text}");
    }
}

#[test]
fn known_keys_count_wherever_they_stand_in_quotes() {
    let known = Keys::from_iter(["new-cart", "off"]);
    let text = "a: 'new-cart'\nb: \"new-cart\" `off`\nc: new-cart 'new-cart2' \"new-cart'\nd: ''new-cart''\n";
    let found: Vec<_> = mentions(text, None, &known)
        .into_iter()
        .map(|mention| {
            assert_eq!(text[mention.start..mention.end], mention.key);
            (mention.key, mention.line, mention.call)
        })
        .collect();
    let told: Vec<_> = found.iter().map(|(key, line, call)| (key.as_str(), *line, *call)).collect();
    assert_eq!(
        told,
        [("new-cart", 1, false), ("new-cart", 2, false), ("off", 2, false), ("new-cart", 4, false)]
    );
}

#[test]
fn a_line_says_once_whether_it_is_a_comment() {
    let text = "x('a', 1)\n  // f('b', getBooleanValue('c', 1), getBooleanValue('d', 1))\ngetBooleanValue('e', 1)\n\n\ngetBooleanValue('f', 1)";
    let found = mentions(text, Language::of("a.ts"), &Keys::from_iter(["d"]));
    let told: Vec<_> = found.iter().map(|found| (found.key.as_str(), found.line, found.call)).collect();
    assert_eq!(told, [("d", 2, false), ("e", 3, true), ("f", 6, true)]);
}

/// A minified file is one line: looking back to its beginning from each literal would take minutes.
#[test]
fn a_line_as_long_as_a_file_is_looked_through_at_once() {
    let begun = std::time::Instant::now();
    for piece in ["f('a',1);", "c.getBooleanValue('a',1);", "               'a',", "'a' , "] {
        let text = " ".repeat(300 << 10) + &piece.repeat((700 << 10) / piece.len());
        let calls = mentions(&text, Language::of("a.js"), &Keys::default()).len();
        assert_eq!(calls > 0, piece.contains("getBoolean"), "{piece}");
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn whatever_the_text_is_nothing_breaks() {
    use proptest::prelude::*;
    let parts =
        ["'", "\"", "`", "(", ")", "<", ">", ",", "getBooleanValue", "new-cart", ":", "é", "\n", "{", "key"];
    let text = prop::collection::vec(prop::sample::select(parts.to_vec()), 0..40);
    proptest!(|(text in text)| {
        let text = text.concat();
        for mention in mentions(&text, Some(Language::Go), &Keys::from_iter(["new-cart"])) {
            prop_assert_eq!(&text[mention.start..mention.end], mention.key.as_str());
        }
        mentions(&text, Some(Language::Script), &Keys::default());
    });
}
