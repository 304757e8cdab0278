//! Level-triggered: looking again at the same world decides nothing new.

use super::{Held, ensure};

/// A second pass at the same time, with the same sight, leaves the store as it was. Both are given as text.
pub fn invariant_second_pass_changes_nothing(first: &str, second: &str) -> Held {
    ensure("invariant_second_pass_changes_nothing", first == second, || {
        let changed = first.lines().zip(second.lines()).find(|(a, b)| a != b);
        changed.map_or("a row more or less".to_owned(), |(a, b)| format!("before: {a}\nafter: {b}"))
    })
}

/// A pass comes to rest within its rounds.
pub fn invariant_a_pass_comes_to_rest(at_rest: bool) -> Held {
    ensure("invariant_a_pass_comes_to_rest", at_rest, || "every round changed something".to_owned())
}
