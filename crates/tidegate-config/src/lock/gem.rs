//! `Gemfile.lock`.

use tidegate_core::sbom::Ecosystem;

use super::{Locked, component};

/// The gems of `GEM` and `GIT`; those of `PATH` are the app itself.
pub(super) fn read(text: &str) -> Result<Locked, String> {
    let (mut section, mut locked, mut any) = ("", Locked::default(), false);
    for line in text.lines() {
        if !line.starts_with(' ') {
            section = line.trim_end();
            any |= matches!(section, "GEM" | "GIT" | "PATH");
        } else if matches!(section, "GEM" | "GIT")
            && let Some((name, version)) = spec(line)
        {
            locked.components.push(component(Ecosystem::Gem, name, version));
        }
    }
    if any { Ok(locked) } else { Err("has no section GEM".to_owned()) }
}

/// A gem stands four blanks in, what it needs further.
fn spec(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("    ").filter(|line| !line.starts_with(' '))?;
    let (name, version) = line.trim_end().strip_suffix(')')?.split_once(" (")?;
    Some((name, version))
}
