//! `requirements.txt`, as far as it pins: `name==1.2.3`.

use tidegate_core::sbom::{Component, Ecosystem};

use super::{Locked, component, hash};

/// Lines with one exact version. Others are counted.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let mut locked = Locked::default();
    let mut loose = 0_usize;
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").lines() {
        let line = line.split(" #").next().unwrap_or(line).trim();
        if line.is_empty() || line.starts_with(['#', '-']) {
            continue;
        }
        match pinned(line) {
            Some(one) => locked.components.push(one),
            None => loose += 1,
        }
    }
    if loose > 0 {
        let (word, are) = if loose == 1 { ("package", "is") } else { ("packages", "are") };
        locked.notes.push(format!("names {loose} {word} without an exact version, which {are} not listed"));
    }
    Ok(locked)
}

fn pinned(line: &str) -> Option<Component> {
    let (wanted, rest) = line.split_once(" --").map_or((line, ""), |(wanted, rest)| (wanted, rest));
    let wanted = wanted.split(';').next()?;
    let (name, version) = wanted.split_once("===").or_else(|| wanted.split_once("=="))?;
    let name = name.split('[').next()?.trim();
    let version = version.trim();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+' | '!');
    if name.is_empty() || version.is_empty() || !name.chars().all(plain) || !version.chars().all(plain) {
        return None;
    }
    let mut one = component(Ecosystem::Pypi, name, version);
    let mut hashes = rest.split_whitespace().filter_map(|part| {
        let (algorithm, digest) = part.trim_start_matches("--").strip_prefix("hash=")?.split_once(':')?;
        hash(algorithm, digest)
    });
    // Several are those of several files: nobody knows which one is taken.
    one.hashes = match (hashes.next(), hashes.next()) {
        (Some(only), None) => vec![only],
        _ => Vec::new(),
    };
    Some(one)
}
