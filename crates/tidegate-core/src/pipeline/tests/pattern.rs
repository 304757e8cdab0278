//! Patterns of branches and paths.

use proptest::prelude::*;

use crate::pipeline::{Pattern, PatternError};

fn branch(pattern: &str, text: &str) -> bool {
    Pattern::of_branch(pattern).unwrap().matches(text)
}

#[test]
fn stars_stay_within_a_part_and_two_are_any_number_of_parts() {
    for (pattern, text, meant) in [
        ("main", "main", true),
        ("main", "mainline", false),
        ("main", "x/main", false),
        ("release/*", "release/2", true),
        ("release/*", "release/2/x", false),
        ("release/*", "release", false),
        ("release-*", "release-2.0", true),
        ("feature/**", "feature/a/b/c", true),
        ("feature/**", "feature", true),
        ("**", "a/b", true),
        ("**/fix", "fix", true),
        ("**/fix", "a/b/fix", true),
        ("**/a/**/b", "x/a/y/a/z/b", true),
        ("**/a/**/b", "x/a/y/a/z/c", false),
        ("v?.?", "v1.2", true),
        ("v?.?", "v1.20", false),
        ("*a*b", "xaxbxb", true),
        ("*a*b", "xaxbx", false),
    ] {
        assert_eq!(branch(pattern, text), meant, "{pattern} {text}");
    }
}

#[test]
fn what_no_branch_can_be_called_is_refused() {
    for bad in [
        "a b", "a..b", "-x", "/x", "x/", "a//b", "a~1", "a^", "a:b", "x[1]", "a\\b", ".x", "x.lock", "a@{1}",
        "a\u{7}",
    ] {
        assert_eq!(Pattern::of_branch(bad), Err(PatternError::NoBranch), "{bad}");
    }
    for bad in ["", &"x".repeat(201)] {
        assert_eq!(Pattern::of_branch(bad), Err(PatternError::Length));
    }
}

#[test]
fn paths_cannot_lead_out() {
    for bad in ["/etc/*", "../x", "a/../b", "./a", "a//b", "~/x", "a\\b", "a\0", "a/.."] {
        assert_eq!(Pattern::of_path(bad), Err(PatternError::Outside), "{bad}");
    }
    assert!(Pattern::of_path("reports/**/*.xml").unwrap().matches("reports/a/b/c.xml"));
}

#[test]
fn a_folder_that_is_meant_takes_what_is_in_it() {
    let takes = |pattern: &str, path: &str| Pattern::of_path(pattern).unwrap().takes(path);
    assert!(takes("coverage", "coverage/a/b.html") && takes("coverage", "coverage"));
    assert!(takes("dist/*.js", "dist/a.js") && takes("dist/*", "dist/a/b"));
    assert!(!takes("dist/*.js", "dist/a.css") && !takes("dist", "distant") && !takes("a/b", "a"));
}

proptest! {
    /// Stars that could be tried in every place, against a text that ends otherwise.
    #[test]
    fn invariant_matching_is_quick(stars in 1_usize..60, length in 1_usize..4_000) {
        let pattern = format!("{}x", "*a".repeat(stars));
        let begun = std::time::Instant::now();
        prop_assert!(!branch(&pattern, &"a".repeat(length)));
        let deep = format!("{}x", "**/a/".repeat(stars.min(30)));
        prop_assert!(!branch(&deep, &"a/".repeat(length)));
        prop_assert!(begun.elapsed().as_secs() < 2);
    }

    #[test]
    fn invariant_a_text_without_signs_means_itself_alone(text in "[a-z0-9._-]{1,20}(/[a-z0-9_-]{1,10}){0,3}", other in "[a-z/]{1,20}") {
        if let Ok(pattern) = Pattern::of_branch(&text) {
            prop_assert!(pattern.matches(&text));
            prop_assert_eq!(pattern.matches(&other), text == other);
        }
    }
}
