//! Counters by a name that the gateway's own code gives. Not for the hot path, and never for a name that a client chose.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::counter::Counter;

const MOST: usize = 48;

/// See the module. Only its owner may raise them.
#[derive(Debug)]
pub(super) struct Named {
    slots: [(OnceLock<&'static str>, Counter); MOST],
    /// What found no slot.
    other: Counter,
}

impl Default for Named {
    fn default() -> Self {
        Named { slots: std::array::from_fn(|_| Default::default()), other: Counter::default() }
    }
}

impl Named {
    pub(super) fn add(&self, name: &'static str) {
        let mut slots = self.slots.iter();
        let found = slots.find(|(known, _)| *known.get_or_init(|| name) == name);
        found.map_or(&self.other, |(_, counter)| counter).add(1);
    }

    /// Adds its counts to those of others.
    pub(super) fn add_to(&self, sums: &mut BTreeMap<String, u64>) {
        let named = self.slots.iter().filter_map(|(name, counter)| Some((*name.get()?, counter.get())));
        let other = Some(("other", self.other.get())).filter(|(_, count)| *count > 0);
        for (name, count) in named.chain(other) {
            *sums.entry(name.to_owned()).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_kept_apart_and_bounded() {
        let named = Named::default();
        for name in ["b", "a", "b"] {
            named.add(name);
        }
        let mut sums = BTreeMap::from([("a".to_owned(), 5)]);
        named.add_to(&mut sums);
        assert_eq!(sums, BTreeMap::from([("a".to_owned(), 6), ("b".to_owned(), 2)]));
        for count in 0..2 * MOST {
            named.add(Box::leak(count.to_string().into_boxed_str()));
        }
        let mut sums = BTreeMap::new();
        named.add_to(&mut sums);
        assert_eq!((sums.len(), sums["other"]), (MOST + 1, MOST as u64 + 2));
    }
}
