//! An A/A test of recorded counts: stable's requests dealt out to two arms that are the same, to see how often a policy would
//! have aborted a candidate that is as good as stable.

use super::{Tally, Window};

/// Deals requests out, by a seed.
#[derive(Clone, Debug)]
pub struct Splitter {
    share: f64,
    /// What the candidate's arm is owed of a request.
    owed: f64,
    state: u64,
}

impl Splitter {
    /// Gives the candidate's arm a share of the requests.
    pub fn new(share: f64, seed: u64) -> Self {
        Splitter { share: share.clamp(0.0, 1.0), owed: 0.0, state: seed }
    }

    /// Deals out one window. Each request is as likely as any other to be the candidate's.
    pub fn split(&mut self, second: u64, all: &Tally) -> Window {
        self.owed += all.n as f64 * self.share;
        let n = (self.owed.floor() as u64).min(all.n);
        self.owed -= n as f64;
        let mut candidate = Tally { n, bad: self.part(all.bad, all.n, n), ..Tally::default() };
        // What is slower than one threshold is slower than those below it: each is dealt out of the one before.
        let (mut of, mut its) = (all.n, n);
        for (threshold, slow) in all.slow.iter().enumerate() {
            candidate.slow[threshold] = self.part((*slow).min(of), of, its);
            (of, its) = ((*slow).min(of), candidate.slow[threshold]);
        }
        Window { second, stable: all.minus(&candidate), candidate }
    }

    /// How many of `drawn` from `of` are among the candidate's `its`.
    fn part(&mut self, drawn: u64, of: u64, its: u64) -> u64 {
        let mut left = its;
        for done in 0..drawn.min(of) {
            if self.next_float() * ((of - done) as f64) < left as f64 {
                left -= 1;
            }
        }
        its - left
    }

    /// SplitMix64.
    fn next_float(&mut self) -> f64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_and_the_share_is_kept() {
        let mut splitter = Splitter::new(0.1, 7);
        let all = Tally { n: 97, bad: 11, slow: [50, 25, 10, 5, 1, 0] };
        let mut candidate = Tally::default();
        for second in 0..10_000 {
            let window = splitter.split(second, &all);
            assert_eq!(window.stable.plus(&window.candidate), all);
            assert!(window.candidate.bad <= window.candidate.n);
            assert!(window.candidate.slow.is_sorted_by(|a, b| a >= b), "{window:?}");
            candidate = candidate.plus(&window.candidate);
        }
        assert_eq!(candidate.n, 97_000);
        for (part, whole) in [(candidate.bad, 11), (candidate.slow[0], 50), (candidate.slow[4], 1)] {
            let ratio = part as f64 / f64::from(whole * 1_000);
            assert!((ratio - 1.0).abs() < 0.15, "{ratio} of {whole}");
        }
    }

    #[test]
    fn a_seed_deals_the_same_again() {
        let all = Tally::of(500, 40);
        let deal = |seed| (0..50).map(|s| Splitter::new(0.3, seed).split(s, &all)).collect::<Vec<_>>();
        assert_eq!(deal(1), deal(1));
        assert_ne!(deal(1), deal(2));
    }
}
