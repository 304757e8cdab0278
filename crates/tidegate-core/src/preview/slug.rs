//! What stands for a branch in the names of its environment and of its hosts.

use crate::model::Name;

/// The longest slug: with the name of its base before it, it is still a name, and it fits into a label of a host.
pub const LONGEST_SLUG: usize = 24;
/// The longest name of an environment that previews are made from.
pub const LONGEST_BASE: usize = Name::LONGEST - LONGEST_SLUG - 1;
/// What stands for the slug in the hosts of a preview's routes.
pub const PLACEHOLDER: &str = "{branch}";
/// Characters of the mark that tells branches apart whose slugs would be the same.
const MARK: usize = 6;

/// The slug of a branch: letters, digits and `-`. It depends on the branch and the patterns alone, so that the address of a
/// branch is known before it is pushed and never depends on what others do.
///
/// What all patterns begin with is left out: of `feature/*`, `feature/login` is `login`. Where the rest cannot stand as it is,
/// what is in the way becomes `-`, and a mark is added. `digest` is the branch's, in hex: its beginning is the mark.
pub fn slug(patterns: &[String], branch: &str, digest: &str) -> String {
    let rest = branch.strip_prefix(common_folder(patterns)).unwrap_or(branch);
    let plain = plain(rest);
    if plain == rest && (1..=LONGEST_SLUG).contains(&rest.len()) {
        return plain;
    }
    let short: String = plain.chars().take(LONGEST_SLUG - MARK - 1).collect();
    let mark: String = digest.chars().take(MARK).collect();
    match short.trim_end_matches('-') {
        "" => mark,
        short => format!("{short}-{mark}"),
    }
}

/// The name of the environment that is made from `base`; `None` where that is too long.
pub fn environment_of(base: &Name, slug: &str) -> Option<Name> {
    format!("{base}-{slug}").parse().ok()
}

/// The host of a preview: the slug in its place, or before the rest.
pub fn host_of(host: &str, slug: &str) -> String {
    if host.contains(PLACEHOLDER) { host.replace(PLACEHOLDER, slug) } else { format!("{slug}.{host}") }
}

/// The folder of branches that every pattern begins with: `feature/` of `feature/*`.
fn common_folder(patterns: &[String]) -> &str {
    let mut folders = patterns.iter().map(|pattern| literal_folder(pattern));
    let Some(first) = folders.next() else { return "" };
    if folders.all(|folder| folder == first) { first } else { "" }
}

fn literal_folder(pattern: &str) -> &str {
    let literal = pattern.find(['*', '?']).map_or(pattern, |at| &pattern[..at]);
    literal.rfind('/').map_or("", |at| &literal[..=at])
}

/// In small letters, everything else as `-`, never two in a row and none at an end.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for c in text.chars() {
        match c.to_ascii_lowercase() {
            c if c.is_ascii_lowercase() || c.is_ascii_digit() => plain.push(c),
            _ if plain.is_empty() || plain.ends_with('-') => {}
            _ => plain.push('-'),
        }
    }
    plain.trim_end_matches('-').to_owned()
}
