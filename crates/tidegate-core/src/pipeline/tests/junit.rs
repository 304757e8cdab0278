//! Reports as runners write them, and as nobody should.

use proptest::prelude::*;

use crate::model::TestCounts;
use crate::pipeline::{JunitError, LONGEST_REPORT, read_junit};

fn read(report: &str) -> TestCounts {
    read_junit(report.as_bytes()).unwrap()
}

fn counts(tests: u64, failed: u64, skipped: u64, failures: &[(&str, &str)]) -> TestCounts {
    let failures = failures.iter().map(|(name, why)| ((*name).to_owned(), (*why).to_owned())).collect();
    TestCounts { tests, failed, skipped, failures, ..TestCounts::default() }
}

#[test]
fn suites_in_suites_are_counted_by_their_cases() {
    let report = r#"<?xml version="1.0" encoding="utf-8"?>
<testsuites tests="99" failures="99">
  <testsuite name="outer">
    <properties><property name="a" value="b"/></properties>
    <testcase classname="cart" name="adds"/>
    <testsuite name="inner">
      <testcase classname="cart" name="removes"><system-out>failure</system-out></testcase>
      <testcase classname="cart" name="waits"><skipped message="later"/></testcase>
    </testsuite>
    <testcase classname="cart" name="pays"><failure message="expected 1 &lt; 2&#10;second line" type="A">stack</failure></testcase>
    <testcase name="breaks"><error><![CDATA[
      panicked at <here>
      and more]]></error></testcase>
  </testsuite>
</testsuites>"#;
    let failures = [("cart pays", "expected 1 < 2"), ("breaks", "panicked at <here>")];
    assert_eq!(read(report), counts(5, 2, 1, &failures));
}

/// As pytest 9, jest 29 with jest-junit 16, and cargo-nextest 0.9 wrote them of tests of ours.
#[test]
fn reports_of_runners_people_use_are_read() {
    let pytest = [
        ("test_cart test_pays", "AssertionError: expected <2> & got 1"),
        ("test_cart test_breaks", "failed on setup with \"RuntimeError: no database\""),
    ];
    assert_eq!(read(include_str!("reports/pytest.xml")), counts(5, 2, 2, &pytest));
    let jest = [("cart pays", "Error: expect(received).toBe(expected) // Object.is equality")];
    assert_eq!(read(include_str!("reports/jest.xml")), counts(3, 1, 1, &jest));
    let nextest = [("cart tests::pays", "thread 'tests::pays' (9503) panicked at src/lib.rs:9:9")];
    assert_eq!(read(include_str!("reports/nextest.xml")), counts(2, 1, 0, &nextest));
}

#[test]
fn reports_that_say_nothing_are_named_and_not_too_many() {
    let mut counts = read("<testsuite><testcase name='a'/></testsuite>");
    for number in 0..100 {
        counts.add_unread(&format!("{number}.xml"), &"x".repeat(10_000));
    }
    let other = counts.clone();
    counts.add(other);
    assert_eq!((counts.tests, counts.unread.len()), (2, 10));
    assert!(counts.unread.iter().all(|(_, why)| why.len() == 500));
}

#[test]
fn one_suite_without_others_is_a_report() {
    assert_eq!(read("\u{feff}<testsuite><testcase name='a'/></testsuite>"), counts(1, 0, 0, &[]));
    assert_eq!(read("<testsuites/>"), counts(0, 0, 0, &[]));
    let twice = "<testsuite><testcase name='a'><failure>x &amp; y</failure><error message='other'/></testcase></testsuite>";
    assert_eq!(read(twice), counts(1, 1, 0, &[("a", "x & y")]), "one test fails once");
    let flaky = "<testsuite><testcase name='a'><flakyFailure>x</flakyFailure></testcase></testsuite>";
    assert_eq!(read(flaky), counts(1, 0, 0, &[]), "it succeeded in the end");
}

#[test]
fn what_is_no_report_is_refused() {
    let refused = |report: &str| read_junit(report.as_bytes()).unwrap_err();
    assert_eq!(refused("<html><body/></html>"), JunitError::Other("html".into()));
    for report in ["", "no xml", "<testsuite><testcase>", "<testsuite></other>", "<testsuite"] {
        assert!(matches!(refused(report), JunitError::Xml(_)), "{report}");
    }
    assert_eq!(refused(&format!("<testsuite>{}", "<a>".repeat(200))), JunitError::TooDeep);
    assert_eq!(read_junit(&vec![b' '; LONGEST_REPORT + 1]), Err(JunitError::TooLarge));
}

#[test]
fn entities_of_its_own_are_not_expanded() {
    let report = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]>
<testsuite><testcase name="t"><failure>&b;&c;!</failure></testcase></testsuite>"#;
    assert_eq!(read(report), counts(1, 1, 0, &[("t", "!")]));
}

#[test]
fn what_is_kept_is_bounded() {
    let case =
        |n: usize| format!("<testcase name='{n}'><failure>{}</failure></testcase>", "x".repeat(10_000));
    let report = format!("<testsuite>{}</testsuite>", (0..100).map(case).collect::<String>());
    let mut counts = read(&report);
    assert_eq!((counts.tests, counts.failed, counts.failures.len()), (100, 100, 20));
    assert!(counts.failures.iter().all(|(_, why)| why.chars().count() == 500));
    counts.add(read(&report));
    assert_eq!((counts.tests, counts.failed, counts.failures.len()), (200, 200, 20));
}

proptest! {
    #[test]
    fn invariant_no_report_is_too_strange_to_be_answered(report in prop::collection::vec(
        prop::sample::select(&["<testsuite>", "</testsuite>", "<testcase name='a'>", "</testcase>", "<failure/>", "<error>", "&amp;",
            "&#0;", "&x;", "<![CDATA[", "]]>", "<!--", "-->", "<?", "\u{0}", "é", "<", ">", "'", "text"][..]), 0..40)) {
        if let Ok(counts) = read_junit(report.concat().as_bytes()) {
            prop_assert!(counts.failed + counts.skipped <= counts.tests);
        }
    }
}
