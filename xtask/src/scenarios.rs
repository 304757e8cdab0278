//! The table of `docs/scenarios.md` names tests that exist, and a test for each scenario.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{Trouble, files};

const TABLE: &str = "docs/scenarios.md";
/// Scenarios there are: each has a row that begins with its number.
const SCENARIOS: u32 = 22;

/// Rows that are missing or name no test, and tests that are not there.
pub fn check(root: &Path) -> Result<Vec<String>, Trouble> {
    let text = fs::read_to_string(root.join(TABLE))?;
    let tests = tests_of(root)?;
    let mut findings = Vec::new();
    for number in 1..=SCENARIOS {
        let begin = format!("| {number} ");
        match text.lines().find(|line| line.starts_with(&begin)) {
            None => findings.push(format!("{TABLE}: scenario {number} has no row")),
            Some(row) if named(row).next().is_none() => {
                findings.push(format!("{TABLE}: scenario {number} names no test"));
            }
            Some(_) => {}
        }
    }
    let rows = text.lines().filter(|line| line.starts_with("| "));
    let missing = rows.flat_map(named).filter(|test| !tests.contains(*test));
    findings.extend(missing.map(|test| format!("{TABLE}: there is no test `{test}`")));
    Ok(findings)
}

/// The tests that a row names: `file::name`.
fn named(row: &str) -> impl Iterator<Item = &str> {
    row.split('`').skip(1).step_by(2).filter(|word| word.contains("::"))
}

/// Every test of the repository as `file::name`, by the name of its file without its ending.
fn tests_of(root: &Path) -> Result<BTreeSet<String>, Trouble> {
    let mut tests = BTreeSet::new();
    for file in files::all(root)?.iter().filter(|file| file.extension().is_some_and(|end| end == "rs")) {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let stem = match (stem.as_ref(), file.parent().and_then(Path::file_name)) {
            ("mod", Some(folder)) => folder.to_string_lossy(),
            _ => stem,
        };
        let text = fs::read_to_string(root.join(file))?;
        tests.extend(tests_in(&text).map(|test| format!("{stem}::{test}")));
    }
    Ok(tests)
}

/// Functions marked as tests, and those a macro makes of lines such as `s01_healthy: "01", 1;`.
fn tests_in(text: &str) -> impl Iterator<Item = &str> {
    let mut marked = false;
    text.lines().map(str::trim).filter_map(move |line| {
        marked |= line == "#[test]";
        match line.strip_prefix("fn ").and_then(|function| function.split_once('(')) {
            Some((name, _)) => std::mem::take(&mut marked).then_some(name),
            None => line.split_once(": \"").map(|(name, _)| name),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_their_marks_and_in_the_macro() {
        let text =
            "#[test]\n#[ignore = \"long\"]\nfn a_b() {}\nfn c() {}\n scenarios! {\n s01_d: \"01\", 1;\n}";
        assert_eq!(tests_in(text).collect::<Vec<_>>(), ["a_b", "s01_d"]);
        let row = "| 3 | what | `judged::a`, `b::c`; `bench/canary` |";
        assert_eq!(named(row).collect::<Vec<_>>(), ["judged::a", "b::c"]);
    }
}
