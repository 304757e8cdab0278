//! What is written down is all there is: a restart is not to be seen.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn tally() -> impl Strategy<Value = Tally> {
    (0u64..200, 0.0f64..0.2, vec(0.0f64..1.0, THRESHOLDS)).prop_map(|(n, bad, slow)| {
        let mut tally = Tally::of(n, (n as f64 * bad) as u64);
        let mut of = n;
        for (threshold, part) in slow.into_iter().enumerate() {
            of = (of as f64 * part) as u64;
            tally.slow[threshold] = of;
        }
        tally
    })
}

fn windows(most: usize) -> impl Strategy<Value = Vec<Window>> {
    vec((tally(), tally()), 0..most).prop_map(|tallies| {
        let window = |(second, (stable, candidate))| Window { second: second as u64, stable, candidate };
        tallies.into_iter().enumerate().map(window).collect()
    })
}

fn read_again(judge: &Judge) -> Judge {
    let text = serde_json::to_string(judge).unwrap();
    assert!(text.len() < 16_000, "{} bytes each second", text.len());
    serde_json::from_str::<Judge>(&text).unwrap().resume().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_at_any_second_changes_nothing(windows in windows(120), every in 1usize..40) {
        let (mut kept, mut restarted) = (Judge::new(Policy::default()), Judge::new(Policy::default()));
        for (second, window) in windows.iter().enumerate() {
            kept.take(window);
            restarted.take(window);
            if second % every == 0 {
                restarted = read_again(&restarted);
            }
            prop_assert_eq!(&kept, &restarted);
        }
        prop_assert_eq!(kept.decided(), restarted.decided());
    }

    /// Nothing is learnt from a second in which one arm had no request, whatever the other did.
    #[test]
    fn an_empty_arm_says_nothing(mut judged in windows(40), alone in tally(), of_stable: bool) {
        let mut judge = Judge::new(Policy { floor: 0.0, ..Policy::default() });
        judged.iter().for_each(|window| judge.take(window));
        let before = [Count::ErrorRate, Count::Latency].map(|count| judge.evidence(count));
        let (stable, candidate) = if of_stable { (alone, Tally::default()) } else { (Tally::default(), alone) };
        judged.push(Window { second: 1_000, stable, candidate });
        judge.take(&judged[judged.len() - 1]);
        prop_assert_eq!(before, [Count::ErrorRate, Count::Latency].map(|count| judge.evidence(count)));
    }

    /// What was seen from the start counts the same in any order, for a policy that does not ask when it was.
    #[test]
    fn the_order_of_windows_does_not_matter(windows in windows(60)) {
        let policy = Policy { late_weight: 0.0, alpha_errors: 1e-6, alpha_latency: 1e-6, ..Policy::default() };
        let log_e = |windows: &mut dyn Iterator<Item = &Window>| {
            let mut judge = Judge::new(policy.clone());
            windows.for_each(|window| judge.take(&Window { second: 0, ..*window }));
            judge.evidence(Count::ErrorRate).0
        };
        let (there, back) = (log_e(&mut windows.iter()), log_e(&mut windows.iter().rev()));
        prop_assert!((there - back).abs() < 1e-6 * (1.0 + there.abs()), "{} {}", there, back);
    }

    #[test]
    fn sums_of_tallies_come_apart_again(a in tally(), b in tally()) {
        prop_assert_eq!(a.plus(&b), b.plus(&a));
        prop_assert_eq!(a.plus(&b).minus(&b), a);
    }
}

#[test]
fn what_another_version_wrote_is_not_gone_on_with() {
    let mut written = serde_json::to_value(Judge::new(Policy::default())).unwrap();
    written["version"] = 2.into();
    let read: Judge = serde_json::from_value(written).unwrap();
    assert_eq!(read.resume(), Err(VersionError(2)));
}

/// What nobody survives in practice: no figure ever becomes one that cannot be written down.
#[test]
fn figures_stay_finite_at_any_length() {
    for (candidate, stable) in [((10, 10), (90, 0)), ((10, 0), (90, 90)), ((10, 5), (90, 45))] {
        let judge = judge_of(&Policy::default(), 100_000, candidate, stable);
        assert_eq!(read_again(&judge), judge);
        let figures =
            [judge.evidence(Count::ErrorRate).0, judge.evidence(Count::Latency).0, judge.evidence_for().0];
        assert!(figures.iter().all(|figure| figure.is_finite()), "{figures:?}");
    }
}
