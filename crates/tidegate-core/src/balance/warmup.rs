//! Slow start: a new endpoint's share of what would be its own.

/// The least share, in thousandths: without any request an endpoint would never be warm.
const LEAST: u64 = 100;

/// How much of its usual share an endpoint of this age gets, in thousandths: in proportion to its age, at least a tenth.
pub fn warmth(age: u64, window: u64) -> u32 {
    if age >= window {
        return 1_000;
    }
    let share = u128::from(age) * 1_000 / u128::from(window);
    (share as u64).max(LEAST) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_from_a_tenth_to_all() {
        assert_eq!(
            [0, 5, 10, 50, 99, 100, 500].map(|age| warmth(age, 100)),
            [100, 100, 100, 500, 990, 1_000, 1_000]
        );
        assert_eq!(warmth(0, 0), 1_000);
        assert_eq!(warmth(u64::MAX - 1, u64::MAX), 999);
    }
}
