//! Which of two versions is the newer one, as the registry of each kind of package sees it.

use std::cmp::Ordering;

use crate::sbom::Ecosystem;

/// A version that can be put in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    epoch: u64,
    /// Without zeros at its end.
    release: Vec<u64>,
    /// Before the release, the release itself, after it.
    stage: Stage,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// `1.0.dev3` of Python: before every pre-release.
    Dev(u64),
    Before(Vec<Part>),
    Release,
    After(u64),
}

/// A part of what stands after the release: numbers are before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

/// The order of two versions; `None` where one of them cannot be put in order.
pub fn ordered(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    Some(parse_version(ecosystem, a)?.cmp(&parse_version(ecosystem, b)?))
}

/// A version as a package's registry reads it.
pub fn parse_version(ecosystem: Ecosystem, text: &str) -> Option<Version> {
    let text = text.trim();
    match ecosystem {
        Ecosystem::Cargo | Ecosystem::Npm => semantic(text),
        Ecosystem::Go => semantic(text.strip_prefix('v').unwrap_or(text)),
        Ecosystem::Composer => composer(text),
        Ecosystem::Pypi => python(&text.to_lowercase()),
        Ecosystem::Gem => ruby(text),
    }
}

fn semantic(text: &str) -> Option<Version> {
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (release, before) =
        text.split_once('-').map_or((text, None), |(release, before)| (release, Some(before)));
    let release = numbers(release)?;
    let stage = match before {
        None => Stage::Release,
        Some(before) => Stage::Before(before.split('.').map(part).collect()),
    };
    (release.len() <= 3).then(|| Version { epoch: 0, release: trimmed(release), stage })
}

/// As Composer has it: `v` before it, and words for how far it is.
fn composer(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text).to_lowercase();
    let text = text.split_once('+').map_or(text.as_str(), |(version, _)| version);
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (release, rest) =
        (numbers(text[..at].trim_end_matches('.'))?, text[at..].trim_start_matches(['-', '.', '_']));
    let digits = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
    let number = || rest[digits..].trim_start_matches('.').parse::<u64>().unwrap_or(0);
    let stage = match rest[..digits].trim_end_matches(['-', '.']) {
        "" | "stable" => Stage::Release,
        "dev" => Stage::Dev(0),
        "alpha" | "a" => Stage::Before(vec![Part::Word("a".to_owned()), Part::Number(number())]),
        "beta" | "b" => Stage::Before(vec![Part::Word("b".to_owned()), Part::Number(number())]),
        "rc" => Stage::Before(vec![Part::Word("rc".to_owned()), Part::Number(number())]),
        "patch" | "pl" | "p" => Stage::After(number()),
        _ => return None,
    };
    Some(Version { epoch: 0, release: trimmed(release), stage })
}

/// PEP 440, but for what stands after a `+`, and for pre-releases of post-releases.
fn python(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (epoch, text) = match text.split_once('!') {
        Some((epoch, rest)) => (epoch.parse().ok()?, rest),
        None => (0, text),
    };
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (release, rest) = (numbers(text[..at].trim_end_matches('.'))?, &text[at..]);
    let stage = python_stage(rest.trim_start_matches(['.', '-', '_']), rest.starts_with('-'))?;
    Some(Version { epoch, release: trimmed(release), stage })
}

fn python_stage(rest: &str, dashed: bool) -> Option<Stage> {
    if rest.is_empty() {
        return Some(Stage::Release);
    }
    let letters = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
    let (word, rest) = rest.split_at(letters);
    let rest = rest.trim_start_matches(['.', '-', '_']);
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let number = if digits == 0 { 0 } else { rest[..digits].parse().ok()? };
    let more = rest[digits..].trim_start_matches(['.', '-', '_']);
    let before = |word: &str| {
        let parts = vec![Part::Word(word.to_owned()), Part::Number(number)];
        match more.strip_prefix("dev") {
            // Before the pre-release it leads to.
            Some(dev) => Some(Stage::Before(
                [&parts[..1], &[Part::Number(number.saturating_sub(1)), Part::Word(format!("{dev:0>9}"))]]
                    .concat(),
            )),
            None if more.is_empty() => Some(Stage::Before(parts)),
            None => None,
        }
    };
    match word {
        "a" | "alpha" => before("a"),
        "b" | "beta" => before("b"),
        "rc" | "c" | "pre" | "preview" => before("rc"),
        "dev" if more.is_empty() => Some(Stage::Dev(number)),
        "post" | "rev" | "r" if more.is_empty() => Some(Stage::After(number)),
        "" if dashed && more.is_empty() => Some(Stage::After(number)),
        _ => None,
    }
}

/// As RubyGems has it: letters make a pre-release. A platform after a `-` is none of it.
fn ruby(text: &str) -> Option<Version> {
    let text = text.split_once('-').map_or(text, |(version, _)| version);
    let parts: Vec<&str> = text.split('.').collect();
    let words =
        parts.iter().position(|part| part.starts_with(|c: char| !c.is_ascii_digit())).unwrap_or(parts.len());
    let release = numbers(&parts[..words].join("."))?;
    let stage = match &parts[words..] {
        [] => Stage::Release,
        before => Stage::Before(before.iter().flat_map(|part| split(part)).collect()),
    };
    Some(Version { epoch: 0, release: trimmed(release), stage })
}

/// `rc2` is `rc` and 2.
fn split(text: &str) -> Vec<Part> {
    let at = text.find(|c: char| c.is_ascii_digit()).unwrap_or(text.len());
    [&text[..at], &text[at..]].into_iter().filter(|text| !text.is_empty()).map(part).collect()
}

fn part(text: &str) -> Part {
    match text.parse() {
        Ok(number) => Part::Number(number),
        Err(_) => Part::Word(text.to_owned()),
    }
}

fn numbers(text: &str) -> Option<Vec<u64>> {
    text.split('.').map(|part| part.parse().ok()).collect()
}

fn trimmed(mut release: Vec<u64>) -> Vec<u64> {
    while release.last() == Some(&0) {
        release.pop();
    }
    release
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is older than the next one.
    #[test]
    fn versions_are_in_the_order_of_their_registries() {
        for (ecosystem, versions) in [
            // The example of the specification of semantic versions.
            (
                Ecosystem::Npm,
                "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.2.0 1.10.0",
            ),
            (
                Ecosystem::Go,
                "v0.0.0-20210101000000-abcdefabcdef v0.1.0 v1.0.0-rc.1 v1.0.0 v1.9.0 v1.10.0+incompatible",
            ),
            // The example of PEP 440, but for its local version.
            (
                Ecosystem::Pypi,
                "1.dev0 1.0a1 1.0b2.dev345 1.0b2 1.0rc1 1.0 1.0.post456 1.1.dev1 1.1 1.9 1.10 1!0.1",
            ),
            (Ecosystem::Gem, "1.0.0.a 1.0.0.b2 1.0.0.rc1 1.0.0 1.0.1 1.2 1.10"),
            (Ecosystem::Composer, "1.0.0-alpha1 1.0.0-beta2 1.0.0-RC1 v1.0.0 1.0.0-p1 1.0.1 1.10.0"),
        ] {
            let versions: Vec<&str> = versions.split(' ').collect();
            for pair in versions.windows(2) {
                assert_eq!(
                    ordered(ecosystem, pair[0], pair[1]),
                    Some(Ordering::Less),
                    "{ecosystem:?} {pair:?}"
                );
            }
        }
        for (ecosystem, a, b) in [
            (Ecosystem::Pypi, "1.0", "1.0.0"),
            (Ecosystem::Gem, "1", "1.0.0"),
            (Ecosystem::Gem, "1.2.3-x86_64-linux", "1.2.3"),
            (Ecosystem::Cargo, "1.0.0+a", "1.0.0"),
        ] {
            assert_eq!(ordered(ecosystem, a, b), Some(Ordering::Equal), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_version_has_no_order() {
        for (ecosystem, text) in [
            (Ecosystem::Npm, "latest"),
            (Ecosystem::Npm, "1.x"),
            (Ecosystem::Pypi, "1.0-unknown"),
            (Ecosystem::Composer, "dev-main"),
            (Ecosystem::Cargo, ""),
        ] {
            assert_eq!(parse_version(ecosystem, text), None, "{text}");
        }
    }
}
