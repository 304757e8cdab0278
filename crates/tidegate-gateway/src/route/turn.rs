//! Which share of an upstream's traffic the next request falls in.
//!
//! Each run of 100 requests visits each of the 100 shares exactly once, so the measured share of an arm is its weight.
//! Every run is rotated by a number of its own: traffic with a rhythm does not always meet the same arm.

use std::sync::atomic::{AtomicU64, Ordering};

/// Coprime with 100 and far from small multiples: neighbours fall far apart.
const STRIDE: u64 = 61;

/// The turn of one upstream; all workers share it, and it goes on through every table.
#[derive(Debug)]
pub(crate) struct Turn {
    next: AtomicU64,
    seed: u64,
}

impl Turn {
    pub(crate) fn new(seed: u64) -> Self {
        Turn { next: AtomicU64::new(0), seed }
    }

    /// A number from 0 to 99.
    pub(crate) fn next(&self) -> u32 {
        self.share(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// As [`Turn::next`], and a second number from 0 to 99 by no rule: where within the share.
    pub(crate) fn next_within(&self) -> (u32, u32) {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let within = mix(self.seed.rotate_left(32) ^ turn) % 100;
        (self.share(turn), within as u32)
    }

    fn share(&self, turn: u64) -> u32 {
        let rotation = mix(self.seed ^ (turn / 100)) % 100;
        ((turn % 100 * STRIDE + rotation) % 100) as u32
    }
}

/// The finalizer of SplitMix64: neighbouring inputs, unrelated outputs.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hundred_turns_visit_every_share_once() {
        let turn = Turn::new(7);
        for _ in 0..50 {
            let mut seen: Vec<u32> = (0..100).map(|_| turn.next()).collect();
            seen.sort_unstable();
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn places_within_shares_are_even() {
        let turn = Turn::new(7);
        let low = (0..10_000).filter(|_| turn.next_within().1 < 50).count();
        assert!((4_800..5_200).contains(&low), "{low} of 10,000 in the lower half");
    }

    #[test]
    fn traffic_with_a_rhythm_meets_an_arm_by_its_weight() {
        let turn = Turn::new(7);
        let hits = (0..100_000).filter(|n| turn.next() < 5 && n % 20 == 0).count();
        assert!((150..350).contains(&hits), "{hits} of 5,000 at 5 %");
    }
}
