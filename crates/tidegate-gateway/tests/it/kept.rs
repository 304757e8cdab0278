//! What fuzzing begins with, read once by the same ways in: they must hold what they promise without a fuzzer as well.

use std::path::Path;

use tidegate_gateway::fuzz;

/// How many files of a target's kept corpus there are, and how many are what the target reads.
fn run(target: &str, read: impl Fn(&[u8]) -> bool) -> (usize, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
    let taken: Vec<bool> = files.map(|bytes| read(&bytes)).collect();
    (taken.len(), taken.iter().filter(|taken| **taken).count())
}

#[test]
fn the_kept_corpora_are_read() {
    let route = |bytes: &[u8]| std::str::from_utf8(bytes).is_ok_and(fuzz::route);
    for (target, (all, taken)) in [
        ("head", run("head", fuzz::head)),
        ("chunks", run("chunks", fuzz::chunks)),
        ("route", run("route", route)),
        ("cookie", run("cookie", fuzz::cookie)),
        ("proxy", run("proxy", fuzz::proxy)),
    ] {
        assert!(taken > 0 && taken < all, "{target}: {taken} of {all} are taken");
    }
}
