//! How many of a group's requests count: no cell of users has much more to say than others of its group.
//!
//! A robot that asks a thousand times a second is one user. Taken by requests it would be most of what its side has, and whatever
//! the others of that side meet would look small beside it. So what a cell has contributed since the share last grew is held to a
//! small multiple of what half of the group's cells have.

use serde::{Deserialize, Serialize};

use super::sparse;
use crate::model::FLAG_CELLS;

/// So many times the median of the cells that asked at all.
const MOST: u64 = 4;
/// With fewer cells than that there is no telling what is usual: each may be the robot.
const FEWEST: usize = 8;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exposure {
    /// What each cell has contributed.
    #[serde(with = "sparse")]
    counted: Vec<u64>,
}

impl Default for Exposure {
    fn default() -> Self {
        Exposure { counted: vec![0; FLAG_CELLS] }
    }
}

impl Exposure {
    /// How many of a window's requests count.
    pub(super) fn take(&mut self, requests: &[u64]) -> u64 {
        let most = MOST.saturating_mul(self.usual(requests));
        let mut all = 0_u64;
        for (counted, asked) in self.counted.iter_mut().zip(requests) {
            let more = (*asked).min(most.saturating_sub(*counted));
            *counted += more;
            all = all.saturating_add(more);
        }
        all
    }

    /// Everything that has counted.
    pub(super) fn total(&self) -> u64 {
        self.counted.iter().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// What half of the cells that asked at all have, these requests included.
    fn usual(&self, requests: &[u64]) -> u64 {
        let with = self.counted.iter().zip(requests).map(|(counted, asked)| counted.saturating_add(*asked));
        let mut active: Vec<u64> = with.filter(|n| *n > 0).collect();
        if active.len() < FEWEST {
            return 1;
        }
        let middle = (active.len() - 1) / 2;
        *active.select_nth_unstable(middle).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(first: usize, each: u64) -> Vec<u64> {
        (0..FLAG_CELLS).map(|cell| if cell < first { each } else { 0 }).collect()
    }

    #[test]
    fn a_robot_says_no_more_than_four_others() {
        let mut exposure = Exposure::default();
        for second in 1..=10 {
            let mut requests = window(20, 3);
            requests[7] = 400;
            assert_eq!(exposure.take(&requests), 19 * 3 + 12, "second {second}");
        }
        assert_eq!(exposure.total(), 10 * (19 * 3 + 12));
    }

    #[test]
    fn where_all_ask_alike_all_of_it_counts() {
        let mut exposure = Exposure::default();
        assert_eq!((exposure.take(&window(256, 5)), exposure.take(&window(256, 15))), (1_280, 3_840));
    }

    #[test]
    fn a_few_cells_have_little_to_say() {
        let mut exposure = Exposure::default();
        assert_eq!(exposure.take(&window(7, 400)), 28);
        assert_eq!(exposure.take(&window(7, 400)), 0);
    }
}
