//! How long to wait before an instance that ended is started again.

use crate::time::Millis;

const FIRST: u64 = 250;
const LONGEST: u64 = 60_000;

/// The wait before the start that follows crash number `crashes` (1 = the first): 250 ms doubling up to a minute, with
/// up to a quarter added by `seed` so that instances that fell together do not all come back together.
pub fn delay(crashes: u32, seed: u64) -> Millis {
    let doublings = crashes.saturating_sub(1).min(16);
    let base = (FIRST << doublings).min(LONGEST);
    let jitter = mix(seed ^ u64::from(crashes)) % (base / 4 + 1);
    Millis(base + jitter)
}

/// A seed from a name (FNV-1a), so that the same instance always waits the same time: plans stay reproducible.
pub fn seed_of(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// A number that a seed's neighbours do not have near it: what waits are spread by.
pub(crate) fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^ (x >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute_and_a_quarter() {
        let waits: Vec<u64> = (1..=20).map(|n| delay(n, 7).0).collect();
        assert!(waits[0] >= 250 && waits[0] <= 313);
        assert!(waits.windows(2).take(8).all(|w| w[1] > w[0]));
        assert!(waits.iter().all(|w| *w <= 75_000));
    }

    #[test]
    fn instances_that_fell_together_come_back_apart() {
        let waits: std::collections::BTreeSet<u64> =
            (0..20).map(|n| delay(5, seed_of(&format!("web-{n}"))).0).collect();
        assert!(waits.len() > 10);
    }
}
