//! Patterns of paths within a repository: `flags/*.yaml`, `**/flags.json`.
//!
//! A pattern is matched against paths as a snapshot lists them, so it cannot lead out of the repository. `*` and `?` stay
//! within a name, `**` is any number of folders.

/// The longest pattern in bytes, and the most `**` in one: matching tries every place for each of them.
const LONGEST: usize = 200;
const MOST_DEEP: usize = 2;

/// A pattern that can be matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Glob(String);

impl Glob {
    /// The pattern, or what to write instead.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let deep = text.split('/').filter(|part| *part == "**").count();
        if text.is_empty() || text.len() > LONGEST || text.contains('\0') {
            return Err("write a path like `flags/*.yaml`, of at most 200 bytes");
        }
        if text.starts_with('/') || text.starts_with('~') || text.contains('\\') {
            return Err("write a path within the repository, with `/`, not beginning with one");
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return Err("a path leads through folders of the repository only: without `.`, `..` and `//`");
        }
        if deep > MOST_DEEP {
            return Err("`**` stands at most twice in a path");
        }
        Ok(Glob(text.to_owned()))
    }

    /// The pattern as written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path is meant.
    pub(crate) fn matches(&self, path: &str) -> bool {
        let pattern: Vec<&str> = self.0.split('/').collect();
        let path: Vec<&str> = path.split('/').collect();
        folders(&pattern, &path)
    }
}

fn folders(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skipped| folders(rest, &path[skipped..])),
        (Some((part, rest)), Some((name, below))) => {
            name_matches(part.as_bytes(), name.as_bytes()) && folders(rest, below)
        }
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// One name. After a `*` that took too little, it takes one byte more.
fn name_matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut at, mut to) = (0, 0);
    let mut star = None;
    while to < name.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, to));
                at += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[to] => (at, to) = (at + 1, to + 1),
            _ => match star {
                Some((begin, taken)) => {
                    star = Some((begin, taken + 1));
                    (at, to) = (begin + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stay_within_names_and_folders() {
        for (pattern, path, meant) in [
            ("flags.yaml", "flags.yaml", true),
            ("flags/*.yaml", "flags/cart.yaml", true),
            ("flags/*.yaml", "flags/old/cart.yaml", false),
            ("flags/*.yaml", "other/flags/cart.yaml", false),
            ("flags/**/*.json", "flags/cart.json", true),
            ("flags/**/*.json", "flags/a/b/cart.json", true),
            ("**/flags.json", "flags.json", true),
            ("**/flags.json", "a/b/flags.json", true),
            ("*a*b", "xaxbxb", true),
            ("*a*b", "xaxbx", false),
            ("fl?g", "flag", true),
            ("fl?g", "flg", false),
            ("*", "", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(path), meant, "{pattern} {path}");
        }
    }

    #[test]
    fn patterns_cannot_lead_out() {
        for bad in
            ["", "/etc/*", "../x", "a/../b", "./a", "a//b", "~/x", "a\\b", "**/**/**", &"x".repeat(201)]
        {
            assert!(Glob::parse(bad).is_err(), "{bad}");
        }
    }
}
