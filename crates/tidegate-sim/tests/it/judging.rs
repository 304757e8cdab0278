//! The judge on simulated traffic, second by second, from a seed: what it finds, and what it leaves in peace.

use tidegate_core::judge::{Judge, Policy, Tally, Window};
use tidegate_core::model::Verdict;
use tidegate_sim::rng::Rng;

/// Requests a second: candidate, stable.
const TRAFFIC: (u64, u64) = (10, 90);

/// A number with a Poisson distribution, of a small mean.
fn poisson(rng: &mut Rng, mean: f64) -> u64 {
    let (end, mut product, mut count) = ((-mean).exp(), 1.0, 0);
    loop {
        product *= (rng.draw() >> 11) as f64 / (1_u64 << 53) as f64;
        if product <= end {
            return count;
        }
        count += 1;
    }
}

/// What is said in the end of a candidate that errs so often, beside stable; at most so many seconds. `rate` gives both by the second.
fn judged(seed: u64, (n_c, n_b): (u64, u64), seconds: u64, rate: impl Fn(u64) -> (f64, f64)) -> Judge {
    let (mut judge, mut rng) = (Judge::new(Policy::default()), Rng::new(seed));
    for second in 0..seconds {
        let (p_c, p_b) = rate(second);
        let candidate = Tally::of(n_c, poisson(&mut rng, n_c as f64 * p_c).min(n_c));
        let stable = Tally::of(n_b, poisson(&mut rng, n_b as f64 * p_b).min(n_b));
        judge.take(&Window { second, stable, candidate });
        if judge.decided().verdict == Verdict::Abort {
            break;
        }
    }
    judge
}

fn aborts(runs: u64, seconds: u64, rate: impl Fn(u64) -> (f64, f64)) -> u64 {
    let verdict = |seed| judged(seed, TRAFFIC, seconds, &rate).decided().verdict;
    (0..runs).filter(|seed| verdict(*seed) == Verdict::Abort).count() as u64
}

/// The middle of 41 runs, in requests to the candidate; a tenth more than the method is known to take.
#[test]
fn s03_each_error_rate_is_found_within_what_it_takes() {
    for (rate, most) in [(0.05, 116), (0.01, 748), (0.005, 2_628)] {
        let mut took: Vec<u64> = (0..41)
            .map(|seed| {
                let decision = judged(seed, TRAFFIC, 7_200, |_| (rate, 0.001)).decided();
                assert_eq!(decision.verdict, Verdict::Abort, "at {rate}, seed {seed}");
                decision.candidate_requests
            })
            .collect();
        took.sort_unstable();
        // Of 41 runs the middle is itself a matter of chance: a quarter is allowed for that. `bench/judge` makes 2,000.
        assert!(took[20] <= most * 5 / 4, "{} requests at {rate}, at most {most}", took[20]);
    }
}

#[test]
fn s17_a_shared_outage_aborts_no_more_than_it_may() {
    let outage = |second| if (300..660).contains(&second) { (0.03, 0.03) } else { (0.001, 0.001) };
    let aborts = aborts(200, 1_800, outage);
    assert!(aborts <= 1, "{aborts} of 200");
}

#[test]
fn s19_little_traffic_is_inconclusive() {
    let mut judge = judged(1, (1, 2), 120, |_| (0.001, 0.001));
    assert_eq!(judge.decided().verdict, Verdict::Continue);
    judge.run_out(120);
    assert_eq!(judge.decided().verdict, Verdict::Inconclusive);
}

/// α is 0.005 for bad answers: five of a thousand.
#[test]
fn s22_the_same_build_a_thousand_times() {
    let aborts = aborts(1_000, 1_200, |_| (0.005, 0.005));
    assert!(aborts <= 5, "{aborts} of 1,000");
}
