//! How ends lie in time: second by second, and whether those of one cause came one after another.

use std::collections::BTreeMap;

/// The part of a drain in which the gateway sends away, as its documentation says.
const PART: f64 = 0.8;
/// A second may hold so many times its share, and so many more: clients and machine add their own unevenness.
const FACTOR: f64 = 3.0;
const SLACK: f64 = 4.0;

/// Seconds since the first, and how many ended in each.
pub fn by_second(times: &[f64], begun: f64) -> BTreeMap<u64, usize> {
    let mut seconds = BTreeMap::new();
    for at in times {
        *seconds.entry((at - begun).max(0.0) as u64).or_default() += 1;
    }
    seconds
}

/// The fullest second (one that begins anywhere) of ends that were told to lie within a drain; and how much it may hold.
pub fn fullest(times: &[f64], drain: f64) -> (usize, f64) {
    let mut times = times.to_vec();
    times.sort_by(f64::total_cmp);
    let within = |first: usize| times[first..].iter().take_while(|at| **at < times[first] + 1.0).count();
    let fullest = (0..times.len()).map(within).max().unwrap_or(0);
    let share = times.len() as f64 / (drain * PART).max(1.0);
    (fullest, share * FACTOR + SLACK)
}

/// One row a second with a bar; seconds without an end are left out where many follow each other.
pub fn drawn(seconds: &BTreeMap<u64, usize>) -> String {
    let most = seconds.values().copied().max().unwrap_or(1).max(1);
    let row = |(second, many): (&u64, &usize)| {
        let bar = "#".repeat((many * 60).div_ceil(most));
        format!("{second:>5} s {many:>5} {bar}\n")
    };
    seconds.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spread_is_within_and_what_comes_at_once_is_not() {
        let evenly: Vec<f64> = (0..1_000).map(|index| f64::from(index) * 0.016).collect();
        let (fullest_of, most) = fullest(&evenly, 20.0);
        assert!(fullest_of as f64 <= most, "{fullest_of} of {most}");
        let at_once = vec![5.0; 1_000];
        let (fullest_of, most) = fullest(&at_once, 20.0);
        assert!(fullest_of as f64 > most, "{fullest_of} of {most}");
    }

    #[test]
    fn a_row_for_each_second_with_an_end() {
        let seconds = by_second(&[10.1, 10.9, 12.0], 10.0);
        assert_eq!(seconds, BTreeMap::from([(0, 2), (2, 1)]));
        assert_eq!(drawn(&seconds).lines().count(), 2);
    }
}
