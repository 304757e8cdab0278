//! Patterns of branches and of paths: `release/*`, `reports/**/*.xml`.
//!
//! `*` and `?` stay within a part, `**` is any number of parts. Matching takes a time that grows with the lengths multiplied,
//! whatever the pattern.

use std::fmt;

/// The longest pattern, in bytes.
const LONGEST: usize = 200;

/// A pattern that can be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing, or more than a pattern needs.
    #[error("write 1 to {LONGEST} bytes")]
    Length,
    /// It leads out of the workspace.
    #[error(
        "write a path within the workspace, with `/`, not beginning with one and without `.`, `..` and `//`"
    )]
    Outside,
    /// No branch has such a name.
    #[error(
        "a branch has no white space, none of `~^:\\[`, no `..` and no empty part, and does not begin with `-` or `/`"
    )]
    NoBranch,
}

impl Pattern {
    /// A pattern of paths within a folder. It cannot lead out of it.
    ///
    /// # Errors
    /// Where it could, and where it is empty or too long.
    pub fn of_path(text: &str) -> Result<Self, PatternError> {
        let pattern = Self::sized(text)?;
        let outside = text.starts_with(['/', '~'])
            || text.contains(['\\', '\0'])
            || text.chars().any(char::is_control)
            || text.split('/').any(|part| matches!(part, "" | "." | ".."));
        if outside { Err(PatternError::Outside) } else { Ok(pattern) }
    }

    /// A pattern of names of branches, as Git allows them.
    ///
    /// # Errors
    /// Where no branch could match, and where it is empty or too long.
    pub fn of_branch(text: &str) -> Result<Self, PatternError> {
        let pattern = Self::sized(text)?;
        let strange = |c: char| c.is_whitespace() || c.is_control() || "~^:\\[".contains(c);
        let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
        let good = !text.starts_with('-')
            && !text.contains(strange)
            && !text.contains("..")
            && !text.contains("@{")
            && text.split('/').all(part);
        if good { Ok(pattern) } else { Err(PatternError::NoBranch) }
    }

    /// The pattern as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is meant: a branch, or a path relative to where the pattern begins.
    pub fn matches(&self, text: &str) -> bool {
        matches(&self.0, text)
    }

    /// Whether a path is meant, or lies in a folder that is.
    pub fn takes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.into_iter().any(|end| self.matches(&path[..end]))
    }

    fn sized(text: &str) -> Result<Self, PatternError> {
        let sized = (1..=LONGEST).contains(&text.len());
        sized.then(|| Pattern(text.to_owned())).ok_or(PatternError::Length)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a text is meant by a pattern that was checked before.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let parts: Vec<&str> = pattern.split('/').collect();
    let names: Vec<&str> = text.split('/').collect();
    let part = |part: &&str, name: &&str| part_matches(part, name);
    glob(&parts, &names, |part| *part == "**", part)
}

fn part_matches(part: &str, name: &str) -> bool {
    let pattern: Vec<char> = part.chars().collect();
    let name: Vec<char> = name.chars().collect();
    glob(&pattern, &name, |c| *c == '*', |c, other| *c == '?' || c == other)
}

/// Matches item by item. `is_any` says which items of the pattern stand for any number of others; after one that took too few,
/// it takes one more, and the ones before it never have to be tried again.
fn glob<P, T>(pattern: &[P], text: &[T], is_any: impl Fn(&P) -> bool, same: impl Fn(&P, &T) -> bool) -> bool {
    let (mut at, mut to) = (0, 0);
    let mut any = None;
    while to < text.len() {
        match pattern.get(at) {
            Some(item) if is_any(item) => {
                any = Some((at, to));
                at += 1;
            }
            Some(item) if same(item, &text[to]) => (at, to) = (at + 1, to + 1),
            _ => match any {
                Some((begin, taken)) => {
                    any = Some((begin, taken + 1));
                    (at, to) = (begin + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(is_any)
}
