//! Path prefixes of one host. The longest that ends at a `/` boundary wins; the cost of a lookup depends on the length of
//! the longest prefix, not on how many there are.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::spelling;

/// A path that can be read in two ways, which have different values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ambiguous;

/// Prefixes and what they stand for.
#[derive(Debug)]
pub(crate) struct Paths<T> {
    prefixes: HashMap<Box<str>, T, RandomState>,
    longest: usize,
}

impl<T> Default for Paths<T> {
    fn default() -> Self {
        Paths { prefixes: HashMap::default(), longest: 0 }
    }
}

impl<T> Paths<T> {
    /// Adds a prefix. `/api/` and `/api` are the same.
    pub(crate) fn insert(&mut self, prefix: &str, value: T) {
        let prefix = prefix.trim_end_matches('/');
        self.longest = self.longest.max(prefix.len());
        self.prefixes.insert(prefix.into(), value);
    }

    /// The longest prefix of the path, whichever way it is [read](spelling).
    pub(crate) fn read(&self, path: &str) -> Result<Option<&T>, Ambiguous>
    where
        T: PartialEq,
    {
        let has_one = self.longest == 0;
        if has_one || spelling::is_plain(path) || !path.starts_with('/') {
            return Ok(self.find(path));
        }
        let normal = spelling::normal(path);
        let found = self.find(&normal);
        let agrees = |reading: &String| self.find(reading) == found;
        let readings = spelling::readings(&normal).ok_or(Ambiguous)?;
        if readings.iter().all(agrees) { Ok(found) } else { Err(Ambiguous) }
    }

    /// The longest prefix of the path as it is spelled.
    pub(crate) fn find(&self, path: &str) -> Option<&T> {
        // Only where a prefix can end: at the end of the path and before each `/`, no further than the longest prefix.
        if path.len() <= self.longest
            && let Some(found) = self.prefixes.get(path)
        {
            return Some(found);
        }
        let reach = path.len().min(self.longest + 1);
        let slashes = path.as_bytes()[..reach].iter().enumerate().rev().filter(|(_, b)| **b == b'/');
        let before = slashes.filter_map(|(at, _)| self.prefixes.get(&path[..at])).next();
        // The target `*` of OPTIONS has no slash; it belongs to the whole host.
        before.or_else(|| self.prefixes.get(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn naive<'a>(prefixes: &'a [String], path: &str) -> Option<&'a str> {
        let trimmed = prefixes.iter().map(|prefix| prefix.trim_end_matches('/'));
        let fits = |prefix: &&str| {
            path.strip_prefix(*prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        trimmed.filter(fits).max_by_key(|prefix| prefix.len())
    }

    #[test]
    fn a_prefix_ends_at_a_boundary() {
        let mut paths = Paths::default();
        paths.insert("/api/", 1);
        paths.insert("/", 2);
        assert_eq!(paths.find("/api"), Some(&1));
        assert_eq!(paths.find("/api/x"), Some(&1));
        assert_eq!(paths.find("/apix"), Some(&2));
        assert_eq!(paths.find("*"), Some(&2));
    }

    #[test]
    fn without_a_root_there_may_be_nothing() {
        let mut paths = Paths::default();
        paths.insert("/api", 1);
        assert_eq!(paths.find("/"), None);
        assert_eq!(paths.find("*"), None);
    }

    #[test]
    fn a_path_with_two_readings_has_to_have_one_value() {
        let mut paths = Paths::default();
        paths.insert("/", 1);
        paths.insert("/admin", 2);
        assert_eq!(paths.read("/%61dmin/x"), Ok(Some(&2)));
        for same in ["/a%2fb", "/a//b", "/a/./b;c", "/admin//x", "/admin/a%2Fb", "/admin/.;/x", "/Admin;"] {
            assert!(paths.read(same).is_ok(), "{same}");
        }
        for two in
            ["//admin", "/admin%2fx", "/x/../admin", "/admin/../x", "/admin;x", "/x/..;/admin", "/admin%5c"]
        {
            assert_eq!(paths.read(two), Err(Ambiguous), "{two}");
        }
    }

    #[test]
    fn a_host_with_one_route_takes_whatever_is_sent() {
        let mut paths = Paths::default();
        paths.insert("/", 1);
        assert_eq!(paths.read("/x/../%2e%2e//admin"), Ok(Some(&1)));
    }

    proptest! {
        #[test]
        fn the_map_agrees_with_trying_every_prefix(
            prefixes in proptest::collection::vec("/|(/[ab]{1,2}){1,4}/?", 0..12),
            path in "(/[ab]{0,3}){1,6}",
        ) {
            let mut paths = Paths::default();
            for prefix in &prefixes {
                paths.insert(prefix, prefix.trim_end_matches('/').to_owned());
            }
            prop_assert_eq!(paths.find(&path).map(String::as_str), naive(&prefixes, &path));
        }
    }
}
