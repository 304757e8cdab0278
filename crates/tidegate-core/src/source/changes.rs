//! What a look at a repository means: which branches have come to a commit that was not dealt with yet.

use std::collections::BTreeMap;

use crate::model::GitSource;
use crate::pipeline::Pattern;

/// What there is at a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// Its branches with their commits.
    pub heads: BTreeMap<String, String>,
    /// Its main branch, where it says which that is.
    pub main: Option<String>,
}

/// A branch that came to a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// The branch.
    pub branch: String,
    /// The commit.
    pub commit: String,
    /// Whether runs are to begin of it; else it is only to be known.
    pub begins: bool,
}

/// What is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Branches to fetch.
    pub arrived: Vec<Arrived>,
    /// Branches that are gone.
    pub gone: Vec<String>,
}

/// Whether a branch is followed.
pub fn follows(source: &GitSource, branch: &str) -> bool {
    let means = |pattern: &String| Pattern::of_branch(pattern).is_ok_and(|pattern| pattern.matches(branch));
    source.branches.is_empty() || source.branches.iter().any(means)
}

/// What has changed since the last look. At the first one only the main branch begins runs: what is on the others was there
/// before, and may be old.
///
/// # Errors
/// How many branches would be followed, where those are too many.
pub fn changes(source: &GitSource, listed: &Listed) -> Result<Changes, usize> {
    let followed: BTreeMap<_, _> =
        listed.heads.iter().filter(|(branch, _)| follows(source, branch)).collect();
    if followed.len() > GitSource::MOST_BRANCHES {
        return Err(followed.len());
    }
    let first = source.state.looked_at_unix_ms.is_none();
    let known = &source.state.heads;
    let new = followed.iter().filter(|(branch, commit)| known.get(**branch) != Some(**commit));
    let arrived = new.map(|(branch, commit)| Arrived {
        branch: (*branch).clone(),
        commit: (*commit).clone(),
        begins: !first || listed.main.as_ref() == Some(*branch),
    });
    let gone = known.keys().filter(|branch| !followed.contains_key(branch)).cloned();
    Ok(Changes { arrived: arrived.collect(), gone: gone.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{SourceAccess, SourceState};

    fn source(branches: &[&str], heads: &[(&str, &str)], looked: bool) -> GitSource {
        GitSource {
            app: "shop".parse().unwrap(),
            id: "c1".to_owned(),
            address: "https://git.example.org/shop.git".to_owned(),
            branches: branches.iter().map(|&branch| branch.to_owned()).collect(),
            poll: None,
            access: SourceAccess::Open,
            by: "ann".to_owned(),
            made_at_unix_ms: 0,
            state: SourceState {
                heads: pairs(heads),
                looked_at_unix_ms: looked.then_some(1),
                ..SourceState::default()
            },
        }
    }

    fn pairs(heads: &[(&str, &str)]) -> BTreeMap<String, String> {
        heads.iter().map(|&(branch, commit)| (branch.to_owned(), commit.to_owned())).collect()
    }

    fn listed(heads: &[(&str, &str)]) -> Listed {
        Listed { heads: pairs(heads), main: Some("main".to_owned()) }
    }

    fn arrived(changes: &Changes) -> Vec<(&str, &str, bool)> {
        changes.arrived.iter().map(|one| (one.branch.as_str(), one.commit.as_str(), one.begins)).collect()
    }

    #[test]
    fn at_the_first_look_only_the_main_branch_begins_runs() {
        let found = changes(&source(&[], &[], false), &listed(&[("main", "a"), ("old", "b")])).unwrap();
        assert_eq!(arrived(&found), [("main", "a", true), ("old", "b", false)]);
    }

    #[test]
    fn later_every_branch_that_moved_or_is_new_begins_them() {
        let before = source(&[], &[("main", "a"), ("old", "b"), ("still", "c")], true);
        let found = changes(&before, &listed(&[("main", "d"), ("new", "e"), ("still", "c")])).unwrap();
        assert_eq!(arrived(&found), [("main", "d", true), ("new", "e", true)]);
        assert_eq!(found.gone, ["old"]);
    }

    #[test]
    fn a_branch_that_goes_back_has_moved() {
        let before = source(&[], &[("main", "b")], true);
        assert_eq!(arrived(&changes(&before, &listed(&[("main", "a")])).unwrap()), [("main", "a", true)]);
    }

    #[test]
    fn branches_that_are_not_followed_are_nothing_to_it() {
        let some = source(&["main", "release/*"], &[("topic", "x")], true);
        let found = changes(&some, &listed(&[("main", "a"), ("topic", "b"), ("release/2", "c")])).unwrap();
        assert_eq!(arrived(&found), [("main", "a", true), ("release/2", "c", true)]);
        assert_eq!(found.gone, ["topic"], "it was followed once");
    }

    #[test]
    fn too_many_branches_are_told_of() {
        let heads = (0..=GitSource::MOST_BRANCHES).map(|n| (format!("b{n}"), "a".to_owned())).collect();
        let listed = Listed { heads, main: None };
        assert_eq!(changes(&source(&[], &[], true), &listed), Err(GitSource::MOST_BRANCHES + 1));
        assert!(changes(&source(&["b1*"], &[], true), &listed).is_ok());
    }
}
