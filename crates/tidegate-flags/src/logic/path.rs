//! Where a `var` looks: names with dots between them, and `../` for what is around an iteration.

/// A path taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// How often `../` stands before the names.
    pub(super) up: usize,
    pub(super) names: Box<[Box<str>]>,
}

impl Path {
    pub(super) fn parse(text: &str) -> Self {
        let mut rest = text;
        let mut up = 0;
        while let Some(after) = rest.strip_prefix("../") {
            up += 1;
            rest = after;
        }
        Self { up, names: names(rest) }
    }
}

/// Splits at dots; a backslash before a dot, a slash or a backslash keeps that character. As flagd's JavaScript evaluator,
/// a path of dots alone has one empty name less than it has gaps.
pub(super) fn names(text: &str) -> Box<[Box<str>]> {
    let mut names: Vec<Box<str>> = Vec::new();
    let mut name = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '.' => names.push(std::mem::take(&mut name).into()),
            '\\' => match chars.next_if(|next| matches!(next, '.' | '/' | '\\')) {
                Some(kept) => name.push(kept),
                None => name.push('\\'),
            },
            _ => name.push(c),
        }
    }
    if names.len() != text.encode_utf16().count() {
        names.push(name.into());
    }
    names.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_split_at_dots_that_are_not_escaped() {
        let cases: [(&str, &[&str]); 7] = [
            ("", &[]),
            ("a", &["a"]),
            ("a.b", &["a", "b"]),
            (r"a\.b.c", &["a.b", "c"]),
            (r"a\\.b", &[r"a\", "b"]),
            (".", &[""]),
            ("$flagd.flagKey", &["$flagd", "flagKey"]),
        ];
        for (text, expected) in cases {
            let found: Vec<_> = names(text).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{text}");
        }
        assert_eq!(Path::parse("../../a").up, 2);
    }
}
