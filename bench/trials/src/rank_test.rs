//! What Kayenta does: a rank test (Mann and Whitney) on the error rates of each minute, after half an hour and after an hour.

use tidegate_core::judge::Window;

const MINUTE: u64 = 60;
const LOOK_EVERY: usize = 30;
/// One side of a confidence of 98 %.
const Z: f64 = 2.326;

/// The rates of both arms, a minute each.
#[derive(Clone, Debug, Default)]
pub struct RankTest {
    minute: [(u64, u64); 2],
    rates: [Vec<f64>; 2],
}

impl RankTest {
    /// Whether the candidate is taken back now.
    pub fn take(&mut self, window: &Window) -> bool {
        for (sum, tally) in self.minute.iter_mut().zip([window.stable, window.candidate]) {
            *sum = (sum.0 + tally.n, sum.1 + tally.bad);
        }
        if !(window.second + 1).is_multiple_of(MINUTE) {
            return false;
        }
        for (rates, (requests, bad)) in self.rates.iter_mut().zip(std::mem::take(&mut self.minute)) {
            rates.push(bad as f64 / requests.max(1) as f64);
        }
        self.rates[0].len().is_multiple_of(LOOK_EVERY) && is_higher(&self.rates[1], &self.rates[0])
    }
}

/// Whether the first ranks higher than the second, by the normal approximation with ties.
fn is_higher(candidate: &[f64], stable: &[f64]) -> bool {
    let mut u = 0.0;
    for c in candidate {
        let below = stable.iter().filter(|s| *s < c).count() as f64;
        let same = stable.iter().filter(|s| *s == c).count() as f64;
        u += below + same / 2.0;
    }
    let (n, m) = (candidate.len() as f64, stable.len() as f64);
    let all = n + m;
    let ties = ties(candidate.iter().chain(stable).copied().collect());
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    variance > 0.0 && (u - n * m / 2.0 - 0.5) / variance.sqrt() > Z
}

fn ties(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    let groups = rates.chunk_by(|a, b| a == b).map(|group| group.len() as f64);
    groups.map(|t| t.powi(3) - t).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_tell_higher_from_the_same() {
        let low: Vec<f64> = (0..30).map(f64::from).collect();
        let high: Vec<f64> = low.iter().map(|rate| rate + 15.0).collect();
        assert!(is_higher(&high, &low) && !is_higher(&low, &low) && !is_higher(&low, &high));
        assert!(!is_higher(&[0.0; 30], &[0.0; 30]), "all the same is no reason");
    }
}
