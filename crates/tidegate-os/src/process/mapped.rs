//! Which users there are at all: in a container a part of the numbers may be nobody.

use std::fs;
use std::ops::RangeInclusive;

/// Whether processes of ours can be every user and every group of these numbers.
pub fn are_mapped(numbers: RangeInclusive<u32>) -> bool {
    ["/proc/self/uid_map", "/proc/self/gid_map"]
        .iter()
        .all(|map| fs::read_to_string(map).is_ok_and(|map| has(&map, &numbers)))
}

/// Lines of a map: the first number here, the first outside, how many.
fn has(map: &str, numbers: &RangeInclusive<u32>) -> bool {
    map.lines().any(|line| {
        let mut parts = line.split_whitespace().map(str::parse::<u64>);
        let (Some(Ok(first)), _, Some(Ok(many))) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        first <= u64::from(*numbers.start()) && u64::from(*numbers.end()) < first.saturating_add(many)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_mapped_where_one_line_has_all_of_it() {
        assert!(has("         0          0 4294967295\n", &(61_184..=65_519)));
        assert!(has("0 1000 1\n1 100000 65536\n", &(61_184..=65_519)));
        assert!(!has("0 1000 1\n1 100000 60000\n", &(61_184..=65_519)));
        assert!(!has("0 1000 1\n", &(61_184..=65_519)) && !has("", &(1..=2)) && !has("x y z", &(1..=2)));
    }
}
