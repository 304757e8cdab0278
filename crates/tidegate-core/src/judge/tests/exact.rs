//! The claims of the method, by adding up everything that can happen.

use crate::judge::bet::{Bet, Fair};
use crate::judge::case::Case;
use crate::judge::promotion::Promotion;
use crate::judge::{Policy, Tally, Window};

const TINY: f64 = 1e-12;

/// The probabilities of 0 to `n` bad ones.
fn binomial(n: u64, p: f64) -> Vec<f64> {
    let mut all = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; all.len() + 1];
        for (x, at) in all.iter().enumerate() {
            next[x] += at * (1.0 - p);
            next[x + 1] += at * p;
        }
        all = next;
    }
    all
}

/// The rate whose odds are so many times those of another.
fn worse(rate: f64, omega: f64) -> f64 {
    let odds = omega * rate / (1.0 - rate);
    odds / (1.0 + odds)
}

/// Every pair of counts with its probability, candidate first.
fn outcomes(n_c: u64, n_b: u64, p_c: f64, p_b: f64) -> Vec<(u64, u64, f64)> {
    let (of_c, of_b) = (binomial(n_c, p_c), binomial(n_b, p_b));
    let of_b = &of_b;
    let pair = |(x_c, a): (usize, &f64)| {
        let a = *a;
        of_b.iter().enumerate().map(move |(x_b, b)| (x_c as u64, x_b as u64, a * b)).collect::<Vec<_>>()
    };
    of_c.iter().enumerate().flat_map(pair).collect()
}

const SIZES: [(u64, u64); 6] = [(1, 1), (1, 9), (3, 20), (10, 10), (12, 3), (5, 40)];
const RATES: [f64; 4] = [0.001, 0.05, 0.3, 0.7];

/// No bet gains in expectation on a candidate that is exactly as bad as allowed, or better.
#[test]
fn no_bet_gains_on_a_good_candidate() {
    for (fair, omega) in [(Fair::Rare, 1.0), (Fair::Rare, 1.25), (Fair::Common, 1.05), (Fair::Common, 2.0)] {
        for ((n_c, n_b), p_b) in SIZES.into_iter().flat_map(|size| RATES.map(|rate| (size, rate))) {
            for times in [0.5, 1.0, omega] {
                let mut expected = [0.0; 6];
                for (x_c, x_b, p) in outcomes(n_c, n_b, worse(p_b, times), p_b) {
                    let bet = Bet::of(fair, omega, (n_c, x_c), (n_b, x_b));
                    let factors = bet.map_or([1.0; 6], |bet| bet.factors());
                    expected.iter_mut().zip(factors).for_each(|(sum, factor)| *sum += p * factor);
                }
                assert!(
                    expected.iter().all(|sum| *sum <= 1.0 + TINY),
                    "{fair:?} {omega} {n_c} {n_b} {p_b} {times}: {expected:?}"
                );
            }
        }
    }
}

/// It is the bound for each number of bad answers that is proved, not for their average alone.
#[test]
fn the_share_is_bounded_for_each_number_of_bad_answers() {
    for ((n_c, n_b), omega) in
        SIZES.into_iter().flat_map(|size| [1.0, 1.05, 1.25, 2.0].map(|omega| (size, omega)))
    {
        let all = outcomes(n_c, n_b, worse(0.3, omega), 0.3);
        for m in 1..=n_c + n_b {
            let those = || all.iter().filter(|(x_c, x_b, _)| x_c + x_b == m);
            let total: f64 = those().map(|(_, _, p)| p).sum();
            let mean = those().map(|(x_c, _, p)| *x_c as f64 * p).sum::<f64>() / total / m as f64;
            let x_c = m.min(n_c);
            // The factor of a bet where the candidate has its fair share is 1: so the fair share can be read off it.
            let fair = |fair| {
                let bet = Bet::of(fair, omega, (n_c, x_c), (n_b, m - x_c)).unwrap();
                ((1.0 + x_c as f64 / m as f64) / bet.factor(2.0)) - 1.0
            };
            let (rare, common) = (fair(Fair::Rare), fair(Fair::Common));
            assert!(mean <= common + 1e-9, "{n_c} {n_b} {omega} {m}: {mean} > {common}");
            assert!(common <= rare + 1e-9, "{n_c} {n_b} {omega} {m}: {common} > {rare}");
        }
    }
}

/// Over several windows, with a share and a rate that change, an arm that is empty for a while, and late bets: at every
/// moment the expectation of the whole is at most what it was before.
#[test]
fn the_case_against_a_good_candidate_is_a_supermartingale() {
    let policy = Policy { late_weight: 0.3, late_scale: 2.0, ..Policy::default() };
    let windows = [(1, 4, 0.2), (3, 3, 0.02), (0, 5, 0.5), (4, 0, 0.5), (2, 6, 0.4)];
    let mut states = vec![(Case::default(), 1.0)];
    let mut before = 1.0;
    for (n_c, n_b, p_b) in windows {
        let all = outcomes(n_c, n_b, worse(p_b, policy.rho0), p_b);
        let mut next = Vec::new();
        for (case, p) in &states {
            for (x_c, x_b, q) in &all {
                let mut case = *case;
                if let Some(bet) = Bet::on_errors(policy.rho0, &Tally::of(n_c, *x_c), &Tally::of(n_b, *x_b)) {
                    case.take(&bet, &policy);
                }
                next.push((case, p * q));
            }
        }
        let expected: f64 = next.iter().map(|(case, p)| p * case.value(&policy)).sum();
        assert!(expected <= before + TINY, "{expected} after {before}");
        (states, before) = (next, expected);
    }
}

/// A candidate that is as bad as must not be promoted gains nothing, as bad answers come one by one; nor where it is rare that
/// any come, for the bet on the floor.
#[test]
fn the_case_for_a_bad_candidate_gains_nothing() {
    for (n_c, n_b) in SIZES {
        let theta = 2.0 * n_c as f64 / (2.0 * n_c as f64 + n_b as f64);
        for m in 1..=n_c.min(n_b) {
            let policy = Policy { floor: 0.0, ..Policy::default() };
            let value = |x_c: u64| {
                let mut promotion = Promotion::default();
                let (candidate, stable) = (Tally::of(n_c, x_c), Tally::of(n_b, m - x_c));
                promotion.take(&Window { second: 0, stable, candidate }, &policy);
                promotion.value(&policy)
            };
            let expected: f64 = binomial(m, theta).iter().enumerate().map(|(x, p)| p * value(x as u64)).sum();
            assert!((expected - 1.0).abs() < 1e-9, "{n_c} {n_b} {m}: {expected}");
        }
    }
    let policy = Policy { floor: 0.05, ..Policy::default() };
    let value = |x_c: u64| {
        let mut promotion = Promotion::default();
        promotion
            .take(&Window { second: 0, stable: Tally::default(), candidate: Tally::of(40, x_c) }, &policy);
        promotion.value(&policy)
    };
    let expected: f64 = binomial(40, 0.05).iter().enumerate().map(|(x, p)| p * value(x as u64)).sum();
    assert!((expected - 1.0).abs() < 1e-9, "{expected}");
}
