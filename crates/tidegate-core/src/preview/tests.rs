//! Names of branches, and which previews go.

use super::*;
use crate::model::{EnvironmentState, Leaving, Name, Preview};
use crate::time::{Millis, Moment};

const DIGEST: &str = "0123456789abcdef";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn slug_of(patterns: &[&str], branch: &str) -> String {
    let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
    slug(&patterns, branch, DIGEST)
}

#[test]
fn a_branch_keeps_its_name_where_that_can_be_one() {
    assert_eq!(slug_of(&["feature/*"], "feature/login-form"), "login-form");
    assert_eq!(slug_of(&["feature/*", "feature/team/*"], "feature/login"), "feature-login-012345");
    assert_eq!(slug_of(&["*"], "login"), "login");
    assert_eq!(slug_of(&["login"], "login"), "login");
}

#[test]
fn what_cannot_be_told_apart_gets_a_mark() {
    assert_eq!(slug_of(&["feature/**"], "feature/a/b"), "a-b-012345");
    assert_eq!(slug_of(&["feature/*", "fix/*"], "fix/login"), "fix-login-012345");
    assert_eq!(slug_of(&["feature/*"], "feature/Login_Form"), "login-form-012345");
    assert_eq!(slug_of(&["feature/*"], "feature/--a"), "a-012345");
    assert_eq!(slug_of(&["feature/*"], "feature/été"), "t-012345");
    assert_eq!(slug_of(&["feature/*"], "feature/日本"), "012345");
    assert_eq!(slug_of(&["*"], &"x".repeat(25)), format!("{}-012345", "x".repeat(17)));
}

#[test]
fn slugs_are_names_and_labels_whatever_the_branch() {
    let base = name(&"b".repeat(LONGEST_BASE));
    for branch in ["9", "a/b", "-", "___", "A", &"x-".repeat(60), "é", "x.y", "0-", "😀/1"] {
        let slug = slug_of(&["**"], branch);
        assert!((1..=LONGEST_SLUG).contains(&slug.len()), "{branch}: {slug}");
        assert!(environment_of(&base, &slug).is_some(), "{branch}: {slug}");
        assert!(!slug.starts_with('-') && !slug.ends_with('-'), "{branch}: {slug}");
    }
    assert_eq!(environment_of(&name(&"b".repeat(LONGEST_BASE + 1)), &"x".repeat(LONGEST_SLUG)), None);
}

#[test]
fn the_slug_stands_in_its_place_or_before_the_rest() {
    assert_eq!(host_of("shop.localhost", "login"), "login.shop.localhost");
    assert_eq!(host_of("{branch}-shop.example.org", "login"), "login-shop.example.org");
}

fn preview(branch: &str, pushed_at: u64, most: u32) -> EnvironmentState {
    let preview = Preview {
        base: name("preview"),
        branch: branch.to_owned(),
        slug: branch.to_owned(),
        pushed_at: Moment(pushed_at),
        pushed_unix_ms: pushed_at,
        stays: Millis(1_000),
        most,
    };
    let environment = name(&format!("preview-{branch}-{pushed_at}"));
    EnvironmentState { preview: Some(preview), ..EnvironmentState::new(name("shop"), environment) }
}

fn gone(previews: &[EnvironmentState], now: u64) -> Vec<String> {
    let (go, _) = to_go(previews, Moment(now));
    go.into_iter().map(|one| format!("{}: {}", one.environment, one.why)).collect()
}

#[test]
fn nobody_pushed_for_long() {
    let previews = [preview("a", 0, 5), preview("b", 500, 5)];
    assert_eq!(to_go(&previews, Moment(999)), (Vec::new(), Some(Moment(1_000))));
    assert_eq!(gone(&previews, 1_000), ["preview-a-0: nobody pushed to a for 1s"]);
    assert_eq!(to_go(&previews, Moment(1_000)).1, Some(Moment(1_500)));
}

#[test]
fn the_one_that_was_pushed_to_longest_ago_makes_room() {
    let previews = [preview("a", 3, 9), preview("b", 1, 1), preview("c", 2, 9), preview("d", 4, 2)];
    let why = "there may be 2 of preview, and it was pushed to longest ago";
    assert_eq!(gone(&previews, 5), [format!("preview-c-2: {why}"), format!("preview-b-1: {why}")]);
    let mut left = previews.to_vec();
    left[2].leaving = Some(Leaving { why: String::new(), since: Moment(5) });
    assert_eq!(gone(&left, 5), [format!("preview-b-1: {why}")], "one that goes already is not told again");
    let mut of_another = previews.to_vec();
    of_another[1].app = name("other");
    assert_eq!(gone(&of_another, 5).len(), 1);
}

#[test]
fn whoever_pushes_hears_of_the_same_ones() {
    let previews = [preview("a", 3, 9), preview("b", 1, 9), preview("c", 2, 9)];
    let (app, base) = (name("shop"), name("preview"));
    let out = |branch: &str, most| -> Vec<String> {
        let out = crowded_out(&previews, (&app, &base, branch), most);
        out.iter().map(|state| state.environment.to_string()).collect()
    };
    assert_eq!(out("new", 2), ["preview-b-1", "preview-c-2"]);
    assert_eq!(out("b", 2), ["preview-c-2"]);
    assert!(out("new", 4).is_empty());
}

#[test]
fn a_branch_has_one_preview_of_a_base() {
    assert_eq!(gone(&[preview("a", 1, 5), preview("a", 2, 5)], 3), ["preview-a-1: a is preview-a-2 now"]);
}
