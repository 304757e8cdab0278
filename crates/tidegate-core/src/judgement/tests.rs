//! Reports in, windows out.

use super::*;
use crate::model::{ArmCounts, ArmRole, Histogram, Outcomes, Routing, RoutingArm, StrategyKind, Verdict};

const UP: &str = "shop/production/web";
const STABLE: RevisionNo = RevisionNo(1);
const CANDIDATE: RevisionNo = RevisionNo(2);

/// A gateway process, counting.
struct Gateway {
    report: CountsReport,
}

impl Gateway {
    fn new(incarnation: &str) -> Self {
        Gateway { report: CountsReport { incarnation: incarnation.to_owned(), ..CountsReport::default() } }
    }

    fn serve(&mut self, revision: RevisionNo, instance: &str, (good, bad): (u64, u64), ms: u64) {
        let id = InstanceId(instance.to_owned());
        let rows = &mut self.report.rows;
        let at = rows.iter().position(|row| row.instance.as_ref() == Some(&id)).unwrap_or_else(|| {
            rows.push(ArmCounts {
                upstream: UP.to_owned(),
                role: ArmRole::Stable,
                revision,
                instance: Some(id),
                outcomes: Outcomes::default(),
                latencies: Histogram::default(),
                bytes: Default::default(),
                samples: Vec::new(),
            });
            rows.len() - 1
        });
        rows[at].outcomes.good += good;
        rows[at].outcomes.server_error += bad;
        (0..good + bad).for_each(|_| rows[at].latencies.add_ns(ms * 1_000_000));
    }
}

fn share(percent: u32) -> Share {
    let arm = |role, revision, weight| RoutingArm { role, revision, weight, instances: Vec::new() };
    let arms = vec![arm(ArmRole::Stable, STABLE, 100 - percent), arm(ArmRole::Candidate, CANDIDATE, percent)];
    Share::of(&Routing { arms, ..Routing::default() })
}

fn sighting<'a>(
    reports: &'a [&'a CountsReport],
    share: &'a Share,
    (counted_at, route_epoch): (u64, u64),
    second: u64,
) -> Sighting<'a> {
    Sighting {
        reports,
        counted_at,
        upstream: UP,
        stable: STABLE,
        candidate: CANDIDATE,
        mirrors: &[],
        share,
        copies_only: false,
        route_epoch,
        second,
    }
}

fn begun(gateway: &Gateway, share: &Share) -> Judgement {
    let strategy = Strategy::new(StrategyKind::Canary);
    Judgement::begin(&strategy, None, &sighting(&[&gateway.report], share, (5, 5), 0)).unwrap()
}

#[test]
fn what_was_counted_before_is_no_part_of_it() {
    let mut gateway = Gateway::new("a");
    gateway.serve(STABLE, "web-1", (900, 100), 10);
    let ten = share(10);
    let mut judgement = begun(&gateway, &ten);
    gateway.serve(STABLE, "web-1", (90, 0), 10);
    gateway.serve(CANDIDATE, "web-2", (9, 1), 10);
    let window = judgement.take(&sighting(&[&gateway.report], &ten, (5, 5), 1)).unwrap();
    assert_eq!((window.window.stable.n, window.window.stable.bad), (90, 0));
    assert_eq!((window.window.candidate.n, window.window.candidate.bad), (10, 1));
    // The same report again says nothing new.
    assert_eq!(judgement.take(&sighting(&[&gateway.report], &ten, (5, 5), 2)), None);
}

#[test]
fn a_time_in_which_the_share_changed_is_served_and_not_judged() {
    let mut gateway = Gateway::new("a");
    gateway.serve(STABLE, "web-1", (10, 0), 10);
    let (ten, half) = (share(10), share(50));
    let mut judgement = begun(&gateway, &ten);
    let mut second = 0;
    let mut next = |judgement: &mut Judgement, share: &Share, epochs| {
        second += 1;
        gateway.serve(CANDIDATE, "web-2", (10, 0), 10);
        judgement.take(&sighting(&[&gateway.report], share, epochs, second)).is_some()
    };
    assert!(next(&mut judgement, &ten, (5, 5)));
    // Decided, not yet in force when the gateway counted; in force; the first whole second of it.
    assert!(!next(&mut judgement, &half, (5, 6)));
    assert!(!next(&mut judgement, &half, (6, 6)));
    assert!(next(&mut judgement, &half, (6, 6)));
    assert_eq!(judgement.served().candidate.n, 40);
    assert_eq!(judgement.judge().totals().1.n, 20);
}

#[test]
fn a_gateway_that_began_later_counts_from_its_beginning_and_none_twice() {
    let mut first = Gateway::new("a");
    first.serve(STABLE, "web-1", (10, 0), 10);
    let ten = share(10);
    let mut judgement = begun(&first, &ten);
    let mut next = Gateway::new("b");
    next.serve(STABLE, "web-1", (7, 0), 10);
    first.serve(STABLE, "web-1", (3, 0), 10);
    let window =
        judgement.take(&sighting(&[&next.report, &first.report], &ten, (5, 5), 1)).expect("new counts");
    assert_eq!(window.window.stable.n, 10);
    // The one before is out of sight for a moment, and there again.
    assert_eq!(judgement.take(&sighting(&[&next.report], &ten, (5, 5), 2)), None);
    assert_eq!(judgement.take(&sighting(&[&next.report, &first.report], &ten, (5, 5), 3)), None);
}

#[test]
fn slow_is_what_stable_was_not_once_the_candidate_is_warm() {
    let mut gateway = Gateway::new("a");
    gateway.serve(STABLE, "web-1", (1_000, 0), 10);
    let half = share(50);
    let mut judgement = begun(&gateway, &half);
    let mut slow_at = |second| {
        gateway.serve(STABLE, "web-1", (50, 0), 10);
        gateway.serve(CANDIDATE, "web-2", (50, 0), 20);
        let window = judgement.take(&sighting(&[&gateway.report], &half, (5, 5), second)).unwrap();
        (window.window.stable.slow, window.window.candidate.slow)
    };
    assert_eq!(slow_at(1), ([0; 6], [0; 6]));
    assert_eq!(slow_at(1 + WARM_AFTER), ([0; 6], [50; 6]));
}

/// The bad one of two is named and left out; what is judged and proved from then on has nothing of it in it.
#[test]
fn a_bad_instance_is_left_out_and_the_judgement_begins_anew() {
    let mut gateway = Gateway::new("a");
    gateway.serve(STABLE, "web-1", (1_000, 0), 10);
    let ten = share(10);
    let mut judgement = begun(&gateway, &ten);
    let mut found = None;
    for second in 1..=60 {
        gateway.serve(STABLE, "web-1", (90, u64::from(second % 10 == 0)), 10);
        gateway.serve(CANDIDATE, "web-2", (3, 2), 10);
        gateway.serve(CANDIDATE, "web-3", (5, 0), 10);
        judgement.take(&sighting(&[&gateway.report], &ten, (5, 5), second));
        let judged = judgement.judged();
        assert_eq!(judged.verdict, Verdict::Continue, "second {second}: {judged:?}");
        found = found.or(judged.instance.map(|_| second));
    }
    let second = found.expect("it is found");
    assert!(second <= 8, "at {second}");
    let judged = judgement.judged();
    assert_eq!((judged.code.as_str(), judged.instance), ("bad-instance", Some(InstanceId("web-2".into()))));
    assert_eq!(judgement.judged_after(), Some(second));
    assert_eq!(judgement.judge().totals().1.bad, 0);
    assert_eq!(judgement.judge().totals().1.n, (60 - second) * 5);
    assert_eq!(judgement.served().candidate.n, 600, "what it served counts as served");
    // A second one is no accident any more.
    for second in 61..=120 {
        gateway.serve(STABLE, "web-1", (90, 0), 10);
        gateway.serve(CANDIDATE, "web-3", (3, 2), 10);
        gateway.serve(CANDIDATE, "web-4", (5, 0), 10);
        judgement.take(&sighting(&[&gateway.report], &ten, (5, 5), second));
    }
    assert_eq!(judgement.judged().verdict, Verdict::Abort);
}

#[test]
fn a_bad_instance_of_stable_is_named_too() {
    let mut gateway = Gateway::new("a");
    gateway.serve(STABLE, "web-1", (1_000, 0), 10);
    let half = share(50);
    let mut judgement = begun(&gateway, &half);
    for second in 1..=60 {
        gateway.serve(STABLE, "web-1", (30, 0), 10);
        gateway.serve(STABLE, "web-2", (25, 5), 10);
        gateway.serve(CANDIDATE, "web-3", (60, 0), 10);
        judgement.take(&sighting(&[&gateway.report], &half, (5, 5), second));
    }
    let [found] = judgement.left_out() else { panic!("{:?}", judgement.left_out()) };
    assert_eq!((found.instance.0.as_str(), found.role), ("web-2", ArmRole::Stable));
    assert_eq!(judgement.judge().totals().0.bad, 0);
}

#[test]
fn the_first_bad_answers_are_kept_by_their_ids() {
    let mut gateway = Gateway::new("a");
    gateway.serve(CANDIDATE, "web-2", (1, 1), 10);
    let sample = |id: u32| crate::model::BadRequest { id: format!("id-{id}"), ..Default::default() };
    gateway.report.rows[0].samples = vec![sample(0)];
    let ten = share(10);
    let mut judgement = begun(&gateway, &ten);
    for id in 1..40 {
        gateway.serve(CANDIDATE, "web-2", (1, 1), 10);
        gateway.report.rows[0].samples = vec![sample(id - 1), sample(id)];
        judgement.take(&sighting(&[&gateway.report], &ten, (5, 5), u64::from(id)));
    }
    let kept: Vec<&str> = judgement.samples().iter().map(|sample| sample.id.as_str()).collect();
    assert_eq!((kept.len(), kept[0], kept[9]), (10, "id-1", "id-10"));
    assert_eq!(judgement.samples()[0].instance, Some(InstanceId("web-2".into())));
}

#[test]
fn a_bad_candidate_is_found_and_a_restart_in_the_middle_changes_nothing() {
    let mut gateway = Gateway::new("a");
    gateway.serve(STABLE, "web-1", (1_000, 0), 10);
    let ten = share(10);
    let mut judgement = begun(&gateway, &ten);
    let mut restarted = judgement.clone();
    for second in 1..=60 {
        gateway.serve(STABLE, "web-1", (90, u64::from(second % 10 == 0)), 10);
        gateway.serve(CANDIDATE, "web-2", (9, 1), 10);
        let seen = [&gateway.report];
        let seen = sighting(&seen, &ten, (5, 5), second);
        restarted = serde_json::from_str(&serde_json::to_string(&restarted).unwrap()).unwrap();
        assert_eq!(judgement.take(&seen), restarted.take(&seen));
        if judgement.judged().verdict == Verdict::Abort {
            break;
        }
    }
    assert_eq!(judgement.judged().verdict, Verdict::Abort);
    assert_eq!(judgement.judged(), restarted.judged());
    assert!(judgement.served().candidate.n <= 300, "{:?}", judgement.served());
}

/// What one wave of a phased rollout showed is not forgotten by the next: the verdict comes sooner than by the later wave alone.
#[test]
fn evidence_of_one_wave_counts_in_the_next() {
    let until_abort = |first_wave: u64| {
        let mut gateway = Gateway::new("a");
        gateway.serve(STABLE, "web-1", (1, 0), 10);
        let (ten, half) = (share(10), share(50));
        let mut judgement = begun(&gateway, &ten);
        for second in 0..600 {
            let share = if second < first_wave { &ten } else { &half };
            gateway.serve(STABLE, "web-1", (90, 0), 10);
            gateway.serve(CANDIDATE, "web-2", if second % 3 == 0 { (9, 1) } else { (10, 0) }, 10);
            judgement.take(&sighting(&[&gateway.report], share, (5, 5), second));
            if judgement.judged().verdict == Verdict::Abort {
                return second.saturating_sub(first_wave);
            }
        }
        panic!("it is never found")
    };
    let alone = until_abort(0);
    let after = until_abort(6);
    assert!(after > 0 && after + 4 < alone, "{after} seconds after the first wave, {alone} without it");
}

/// What was seen in another environment is part of the policy, so that a judgement that begins anew has it as well.
#[test]
fn it_begins_with_what_was_carried() {
    let (gateway, ten) = (Gateway::new("a"), share(10));
    let carried =
        Carried { about: "rollout 3 of shop/eu/web".to_owned(), errors: 14.0, ..Carried::default() };
    let strategy = Strategy::new(StrategyKind::Canary);
    let reports = [&gateway.report];
    let judgement =
        Judgement::begin(&strategy, Some(carried.clone()), &sighting(&reports, &ten, (5, 5), 0)).unwrap();
    assert_eq!(judgement.judge().policy().carried, carried);
    let (begins, wanted) = judgement.judge().evidence(crate::judge::Count::ErrorRate);
    assert!((begins / wanted - 0.5).abs() < 0.01, "{begins} of {wanted}");
}
