//! A walk over many rows, a few at a time: rows may come and go between two steps.

use std::collections::BTreeMap;
use std::ops::Bound;

/// At most `most` rows after one, and the last of these where there may be more.
pub(crate) fn some_after<'r, K: Ord + Clone, V>(
    rows: &'r BTreeMap<K, V>,
    after: Option<&K>,
    most: usize,
) -> (Vec<(&'r K, &'r V)>, Option<K>) {
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = rows.range((from, Bound::Unbounded));
    let some: Vec<_> = rest.by_ref().take(most).collect();
    let last = some.last().filter(|_| rest.next().is_some()).map(|(key, _)| (*key).clone());
    (some, last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_seen_once_though_others_come_and_go() {
        let mut rows: BTreeMap<u32, ()> = (0..10).map(|n| (n * 10, ())).collect();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let (some, last) = some_after(&rows, after.as_ref(), 3);
            seen.extend(some.into_iter().map(|(key, ())| *key));
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
            // The one the walk stands on goes, one behind it and one before it come.
            rows.remove(&after.unwrap());
            rows.insert(after.unwrap() - 1, ());
            rows.insert(85, ());
        }
        assert_eq!(seen, [0, 10, 20, 30, 40, 50, 60, 70, 80, 85, 90]);
    }

    #[test]
    fn a_walk_that_ends_with_a_full_step_says_so() {
        let rows: BTreeMap<u32, ()> = (0..4).map(|n| (n, ())).collect();
        assert_eq!(some_after(&rows, None, 4).1, None);
        assert_eq!(some_after(&rows, Some(&1), 1).1, Some(2));
        assert_eq!(some_after(&BTreeMap::<u32, ()>::new(), None, 4), (Vec::new(), None));
    }
}
