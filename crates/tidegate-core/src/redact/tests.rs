//! What is found, wherever the stream was cut, and how fast.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::{Redacting, Redactor};

const VALUE: &str = "p?ss w0rd/\"é+~end";

fn streamed(redactor: &Redactor, pieces: &[&[u8]]) -> String {
    let (mut stream, mut out) = (Redacting::default(), Vec::new());
    pieces.iter().for_each(|piece| stream.feed(redactor, piece, &mut out));
    stream.finish(redactor, &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

#[test]
fn every_form_of_a_value_is_named() {
    let redactor = Redactor::new([("db_url", VALUE)]);
    let encoded = "p%3Fss%20w0rd%2F%22%C3%A9%2B~end";
    let forms = [
        VALUE.to_owned(),
        STANDARD.encode(VALUE),
        URL_SAFE_NO_PAD.encode(VALUE),
        encoded.to_owned(),
        encoded.replace("%20", "+"),
        "p%3fss%20w0rd%2f%22%c3%a9%2b~end".to_owned(),
        serde_json::Value::from(VALUE).to_string().trim_matches('"').to_owned(),
        "p?ss w0rd\\/\\\"\\u00e9+~end".to_owned(),
    ];
    for form in forms {
        assert_eq!(redactor.text(&format!("a {form} b")), "a [secret db_url] b", "{form}");
    }
}

#[test]
fn a_value_within_something_longer_is_found_in_base64() {
    let redactor = Redactor::new([("password", "correct horse battery")]);
    for user in ["u", "us", "use", "user"] {
        let header = STANDARD.encode(format!("{user}:correct horse battery"));
        let clean = redactor.text(&header).into_owned();
        assert!(clean.contains("[secret password]") && clean.len() < 32, "{clean}");
    }
}

#[test]
fn short_values_are_left_and_lines_of_long_ones_are_found() {
    let key = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG\nAAECAwQFBgcICQoLDA0O\n-----END KEY-----\n";
    let redactor = Redactor::new([("short", "12345"), ("key", key)]);
    assert_eq!(redactor.text("12345 -----BEGIN KEY-----"), "12345 -----BEGIN KEY-----");
    assert_eq!(redactor.text("err: MIIBVgIBADANBgkqhkiG"), "err: [secret key]");
    assert_eq!(redactor.text(&format!("a\n{key}b")), "a\n[secret key]b");
}

#[test]
fn values_that_overlap_leave_nothing_of_either() {
    let redactor = Redactor::new([("one", "abcdef"), ("two", "efghij"), ("more", "abcdefXYZ")]);
    for text in ["abcdefghij", "abcdefXYZ", "abcdefabcdef"] {
        for cut in 0..text.len() {
            let clean = streamed(&redactor, &[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
            assert!(
                !clean.contains("gh") && !clean.contains("XYZ") && !clean.contains("abc"),
                "{text} {cut}: {clean}"
            );
        }
    }
}

#[test]
fn what_ends_within_a_value_is_named_and_a_few_bytes_are_not() {
    let redactor = Redactor::new([("token", "s3cret-token-0123")]);
    assert_eq!(streamed(&redactor, &[b"died: s3cret-tok"]), "died: [secret token]");
    assert_eq!(streamed(&redactor, &[b"all is s"]), "all is s");
    assert_eq!(streamed(&redactor, &[b"a s3cret-tok", b"yo"]), "a s3cret-tokyo");
}

#[test]
fn debug_tells_no_value() {
    let said = format!("{:?}", Redactor::new([("name", "the-value-itself")]));
    assert_eq!(said, "Redactor(1 secrets)");
}

proptest! {
    #[test]
    fn a_cut_changes_nothing(text in "[abc]{0,40}", cuts in prop::collection::vec(0_usize..40, 0..5)) {
        let redactor = Redactor::new([("one", "abcabc"), ("two", "bcabca"), ("three", "aabbccaabb")]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
        let clean = streamed(&redactor, &pieces);
        for value in ["abcabc", "bcabca", "aabbccaabb"] {
            prop_assert!(!clean.contains(value), "{clean}");
        }
        let kept: String = clean.split("[secret ").map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
        prop_assert!(kept.len() <= text.len());
    }
}

#[test]
fn what_cannot_be_looked_for_takes_everything_with_it() {
    let redactor = Redactor { search: None, blind: true, ..Redactor::new([("key", "s3cret-value")]) };
    assert_eq!(redactor.text("the key is s3cret-value"), "");
}
