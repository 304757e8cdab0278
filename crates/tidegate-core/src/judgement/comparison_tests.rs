//! Answers to copies in, verdicts out.

use super::*;
use crate::model::{Compared, Millionths, MirrorAnswer, MirrorCounts, MirrorDifference};

const UP: &str = "shop/production/web";

/// A gateway that copies, and a rollout that is judged by it.
struct Run {
    counts: CountsReport,
    mirror: MirrorReport,
    judgement: Option<Judgement>,
    strategy: Strategy,
    second: u64,
    random: u64,
}

impl Run {
    fn new(kind: StrategyKind, seed: u64) -> Self {
        let mut strategy = Strategy::new(kind);
        strategy.judge.max_differing = Some(Millionths(10_000));
        let mirror = MirrorReport { upstream: UP.to_owned(), ..MirrorReport::default() };
        let counts = CountsReport { incarnation: "a".to_owned(), ..CountsReport::default() };
        Run { counts, mirror, judgement: None, strategy, second: 0, random: seed }
    }

    fn look(&mut self) -> Option<Taken> {
        let share = Share::default();
        let reports = [&self.counts];
        let seen = Sighting {
            reports: &reports,
            counted_at: 5,
            upstream: UP,
            stable: RevisionNo(1),
            candidate: RevisionNo(2),
            mirrors: std::slice::from_ref(&self.mirror),
            share: &share,
            copies_only: true,
            route_epoch: 5,
            second: self.second,
        };
        self.second += 1;
        match &mut self.judgement {
            Some(judgement) => judgement.take(&seen),
            None => {
                self.judgement = Judgement::begin(&self.strategy, None, &seen);
                None
            }
        }
    }

    /// Whether something that happens so often in a million happens now (SplitMix64).
    fn chance(&mut self, of_a_million: u64) -> bool {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % 1_000_000 < of_a_million
    }

    /// So many requests; answers differ by themselves, and the candidate's besides.
    fn serve(&mut self, requests: u64, noise: u64, fault: u64) {
        for _ in 0..requests {
            let (by_itself, of_noise, of_fault) =
                (self.chance(noise), self.chance(noise), self.chance(fault));
            self.answered(by_itself, of_noise || of_fault);
        }
    }

    fn answered(&mut self, stable: bool, candidate: bool) {
        if self.mirror.compared.is_empty() {
            let (stable, candidate) = ("r1".to_owned(), "r2".to_owned());
            self.mirror.compared.push(Compared { stable, candidate, ..Compared::default() });
        }
        let counts = &mut self.mirror.compared[0];
        counts.requests += 1;
        counts.stable_differs += u64::from(stable);
        counts.candidate_differs += u64::from(candidate);
        counts.both_differ += u64::from(stable && candidate);
        let number = counts.requests;
        if candidate && !stable {
            self.mirror.latest.push(difference(number));
        }
    }

    fn verdict(&self) -> Verdict {
        self.judgement.as_ref().map_or(Verdict::Continue, |judgement| judgement.judged().verdict)
    }

    /// The verdict after at most so many seconds of so many requests each.
    fn decided(&mut self, (seconds, requests): (u64, u64), noise: u64, fault: u64) -> Verdict {
        self.look();
        for _ in 0..seconds {
            self.serve(requests, noise, fault);
            self.look();
            if self.verdict() != Verdict::Continue {
                break;
            }
        }
        self.verdict()
    }
}

fn difference(number: u64) -> MirrorDifference {
    let answer = |revision: &str, status| MirrorAnswer {
        revision: revision.to_owned(),
        status,
        bytes: 1,
        whole: true,
        sha256: String::new(),
        latency_ms: 1,
    };
    MirrorDifference {
        request: format!("id-{number}"),
        method: "GET".to_owned(),
        path: "/price".to_owned(),
        differs: vec!["status".to_owned()],
        original: answer("r1", 200),
        copy: answer("r2", 500),
    }
}

#[test]
fn a_candidate_that_answers_otherwise_is_found_and_what_differs_is_named() {
    for (noise, fault) in [(0, 100_000), (200_000, 300_000)] {
        let mut run = Run::new(StrategyKind::ParallelRun, 7);
        assert_eq!(run.decided((300, 20), noise, fault), Verdict::Abort);
        assert!(run.second < 120, "{} seconds", run.second);
        let judged = run.judgement.as_ref().unwrap().judged();
        assert_eq!(judged.code, DIFFERS);
        assert!(judged.message.ends_with("like GET /price: 200 to 500 (status)"), "{}", judged.message);
        assert!(run.judgement.unwrap().comparison().unwrap().samples().len() <= 16);
    }
}

/// One that answers as stable would, whatever differs by itself: at most one in a hundred is taken back.
#[test]
fn noise_is_nobodys_fault() {
    for noise in [0, 1_000, 50_000, 400_000] {
        let aborted = (0..200)
            .filter(|seed| {
                let mut run = Run::new(StrategyKind::ParallelRun, seed * 7_919 + noise);
                run.decided((300, 5), noise, 0) == Verdict::Abort
            })
            .count();
        assert!(aborted <= 2, "{aborted} of 200 at {noise}");
    }
}

#[test]
fn a_candidate_that_answers_alike_is_promoted_and_one_a_little_off_is_within_what_may_differ() {
    let mut alike = Run::new(StrategyKind::ParallelRun, 3);
    assert_eq!(alike.decided((300, 20), 0, 0), Verdict::Promote);
    let mut little = Run::new(StrategyKind::ParallelRun, 3);
    assert_ne!(little.decided((600, 20), 0, 2_000), Verdict::Abort);
}

#[test]
fn without_copies_nothing_is_decided_and_it_says_so() {
    let mut run = Run::new(StrategyKind::ParallelRun, 1);
    assert_eq!(run.decided((60, 0), 0, 0), Verdict::Continue);
    let judged = run.judgement.unwrap().judged();
    assert_eq!(judged.message, "no request was copied and answered, so nothing was compared");
}

#[test]
fn what_was_compared_before_is_no_part_of_it_and_a_new_gateway_counts_from_its_beginning() {
    let mut run = Run::new(StrategyKind::ParallelRun, 1);
    run.serve(50, 0, 1_000_000);
    run.look();
    assert_eq!(run.look(), None);
    run.serve(3, 0, 0);
    let compared = run.look().and_then(|taken| taken.compared).unwrap();
    assert_eq!((compared.candidate.n, compared.candidate.bad, compared.stable.n), (3, 0, 3));
    run.counts.incarnation = "b".to_owned();
    run.mirror.compared.clear();
    run.serve(2, 0, 0);
    assert_eq!(run.look().and_then(|taken| taken.compared).unwrap().candidate.n, 2);
    // Of another rollout's revisions: nothing of this one's.
    run.mirror.compared[0].candidate = "r9".to_owned();
    run.mirror.counts = MirrorCounts { same: 9, ..MirrorCounts::default() };
    assert_eq!(run.look(), None);
}

#[test]
fn it_goes_on_from_what_was_written_down() {
    let mut run = Run::new(StrategyKind::Canary, 5);
    run.look();
    for _ in 0..8 {
        run.serve(5, 0, 500_000);
        run.look();
    }
    let written = serde_json::to_string(&run.judgement).unwrap();
    assert_eq!(serde_json::from_str::<Option<Judgement>>(&written).unwrap(), run.judgement);
}

#[test]
fn a_canary_shares_its_risk_between_users_and_answers() {
    let mut strategy = Strategy::new(StrategyKind::Canary);
    let alone = policy_of(&strategy).alpha_errors;
    strategy.judge.max_differing = Some(Millionths(10_000));
    assert_eq!(policy_of(&strategy).alpha_errors, alone / 2.0);
    strategy.kind = StrategyKind::ParallelRun;
    assert_eq!(policy_of(&strategy).alpha_errors, alone);
}
