//! Whom an app runs as, where the machine lets it be somebody of its own.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The two users of an app, each with a group of the same number: one for what serves and what is built, the next one for
/// steps of its pipelines, which must neither end nor read what serves. It has them for ever: files of it may be found
/// long after it, and must never be another app's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AppUser(u32);

impl AppUser {
    /// The pair that begins with this number.
    pub const fn new(first: u32) -> AppUser {
        AppUser(first)
    }

    /// Of instances, builds, migrations, jobs and one-off commands.
    pub fn of_instances(self) -> u32 {
        self.0
    }

    /// Of steps of pipelines and of processes beside them.
    pub fn of_steps(self) -> u32 {
        self.0.saturating_add(1)
    }
}

/// The numbers that users of apps are taken from, both ends included. Written `61184-65519`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserRange {
    first: u32,
    last: u32,
}

/// Why a text is no [`UserRange`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRangeError {
    /// Not two numbers.
    #[error("`{0}` is no range of users: write the first and the last number, like 61184-65519")]
    Shape(String),
    /// Numbers below it are the system's and people's.
    #[error("users of apps begin at {}: lower numbers are the system's", UserRange::LOWEST)]
    Low,
    /// Some system calls take the numbers above for `nobody`.
    #[error(
        "the range must have two numbers at least and end at {} at most, without 65533 to 65535",
        UserRange::HIGHEST
    )]
    Span,
}

impl UserRange {
    /// The lowest number there can be in one.
    pub const LOWEST: u32 = 1_000;
    /// The highest one: beyond it some programs read a negative number.
    pub const HIGHEST: u32 = i32::MAX as u32 - 1;
    /// Nobody's, that of steps without an app's own, and what 16 bits have for `none`.
    const RESERVED: [u32; 3] = [65_533, 65_534, 65_535];

    /// From one number to another.
    ///
    /// # Errors
    /// [`UserRangeError::Low`] and [`UserRangeError::Span`].
    pub fn new(first: u32, last: u32) -> Result<UserRange, UserRangeError> {
        if first < Self::LOWEST {
            return Err(UserRangeError::Low);
        }
        let spans = |number: u32| (first..=last).contains(&number);
        if last <= first || last > Self::HIGHEST || Self::RESERVED.into_iter().any(spans) {
            return Err(UserRangeError::Span);
        }
        Ok(UserRange { first, last })
    }

    /// Its first and its last number.
    pub fn ends(self) -> (u32, u32) {
        (self.first, self.last)
    }

    /// The pair for one more app: the lowest that shares no number with those given away; `None`: all are.
    pub fn next(self, taken: &[AppUser]) -> Option<AppUser> {
        let used: BTreeSet<u32> =
            taken.iter().flat_map(|user| [user.of_instances(), user.of_steps()]).collect();
        let free = |first: &u32| !used.contains(first) && !used.contains(&(first + 1));
        (self.first..self.last).step_by(2).find(free).map(AppUser)
    }
}

/// What no distribution gives to people or services for good.
impl Default for UserRange {
    fn default() -> Self {
        UserRange { first: 61_184, last: 65_519 }
    }
}

impl fmt::Display for UserRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

impl FromStr for UserRange {
    type Err = UserRangeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ends =
            text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
        let (first, last) = ends.ok_or_else(|| UserRangeError::Shape(text.to_owned()))?;
        UserRange::new(first, last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_given_twice_and_all_of_them_are() {
        let range: UserRange = "2000-2006".parse().unwrap();
        let mut taken = Vec::new();
        while let Some(user) = range.next(&taken) {
            taken.push(user);
        }
        let numbers: Vec<u32> = taken.iter().map(|user| user.of_instances()).collect();
        assert_eq!(numbers, [2_000, 2_002, 2_004]);
        let ours: BTreeSet<u32> =
            taken.iter().flat_map(|user| [user.of_instances(), user.of_steps()]).collect();
        assert_eq!(ours.len(), 6);
    }

    #[test]
    fn a_range_that_was_moved_by_one_gives_no_half_of_a_pair_again() {
        let taken = [AppUser::new(2_000), AppUser::new(2_004)];
        let moved: UserRange = "2001-2008".parse().unwrap();
        assert_eq!(moved.next(&taken), Some(AppUser::new(2_007)));
        assert_eq!("2001-2006".parse::<UserRange>().unwrap().next(&taken), None);
    }

    #[test]
    fn ranges_of_the_system_and_of_nobody_are_refused() {
        for bad in ["", "61184", "61184-", "a-b", "-1-5", "61184..65519"] {
            assert_eq!(bad.parse::<UserRange>(), Err(UserRangeError::Shape(bad.to_owned())), "{bad}");
        }
        assert_eq!("0-70000".parse::<UserRange>(), Err(UserRangeError::Low));
        for bad in ["5000-5000", "5000-4000", "65000-65535", "65534-70000", "1000-4294967295"] {
            assert_eq!(bad.parse::<UserRange>(), Err(UserRangeError::Span), "{bad}");
        }
        let usual = UserRange::default();
        assert_eq!(usual.to_string().parse(), Ok(usual));
    }
}
