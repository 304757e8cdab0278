//! Outlier ejection: which endpoints of an arm are left out, for how long, and when that must not be.

use crate::model::Outliers;

/// The longest ejection, as a multiple of the first.
const LONGEST: u64 = 10;

/// What became of an endpoint after one bad outcome too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is left out until then.
    Ejected {
        /// Microseconds.
        until: u64,
        /// The how manieth time in a row.
        times: u64,
    },
    /// It would be, but too many are already.
    Spared,
    /// Everybody is as bad: nobody is left out for a while. These come back.
    Panic {
        /// Who was left out.
        back: Vec<u64>,
    },
}

/// The ejections of one arm.
#[derive(Clone, Debug, Default)]
pub struct Ward {
    cases: Vec<Case>,
    panic_until: u64,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    member: u64,
    /// How often it was ejected, one forgotten for each ejection's time without another.
    times: u64,
    /// Until when it is out, or under suspicion.
    until: u64,
    out: bool,
}

impl Ward {
    /// `member`, one of `members`, had as many bad outcomes one after another as the rules allow.
    pub fn on_streak(&mut self, member: u64, members: usize, rules: &Outliers, now: u64) -> Verdict {
        if now < self.panic_until {
            return Verdict::Spared;
        }
        let eject = rules.eject.0.saturating_mul(1_000).max(1);
        self.forget(eject, now);
        let out =
            self.cases.iter().filter(|case| case.out && now < case.until && case.member != member).count();
        if out >= most(members, rules.max_share) {
            return self.spare(member, members, eject, now);
        }
        let case = self.case(member);
        case.times += 1;
        case.out = true;
        case.until = now.saturating_add(eject.saturating_mul(case.times.min(LONGEST)));
        Verdict::Ejected { until: case.until, times: case.times }
    }

    /// Who is left out at `now`, and until when.
    pub fn out(&self, now: u64) -> impl Iterator<Item = (u64, u64)> {
        let out = self.cases.iter().filter(move |case| case.out && now < case.until);
        out.map(|case| (case.member, case.until))
    }

    /// The arm has other members now: forgets those that left, and gives back whom the share does not cover any more.
    pub fn on_members(&mut self, members: &[u64], max_share: u32, now: u64) -> Vec<u64> {
        self.cases.retain(|case| members.contains(&case.member));
        let mut out: Vec<(u64, u64)> = self.out(now).collect();
        let most = most(members.len(), max_share);
        out.sort_unstable_by_key(|(_, until)| std::cmp::Reverse(*until));
        let back: Vec<u64> =
            out.split_off(most.min(out.len())).into_iter().map(|(member, _)| member).collect();
        self.release(&back);
        back
    }

    /// All come back: nobody is ejected any more.
    pub fn clear(&mut self, now: u64) -> Vec<u64> {
        let back = self.out(now).map(|(member, _)| member).collect();
        *self = Ward::default();
        back
    }

    fn spare(&mut self, member: u64, members: usize, eject: u64, now: u64) -> Verdict {
        let case = self.case(member);
        case.until = now.saturating_add(eject);
        case.out = false;
        let bad = self.cases.iter().filter(|case| now < case.until).count();
        if bad < members || members < 2 {
            return Verdict::Spared;
        }
        self.panic_until = now.saturating_add(eject);
        let back: Vec<u64> = self.out(now).map(|(member, _)| member).collect();
        self.release(&back);
        Verdict::Panic { back }
    }

    fn release(&mut self, back: &[u64]) {
        for case in &mut self.cases {
            case.out &= !back.contains(&case.member);
        }
    }

    fn forget(&mut self, eject: u64, now: u64) {
        for case in &mut self.cases {
            let forgotten = now.saturating_sub(case.until) / eject;
            if forgotten > 0 {
                case.times = case.times.saturating_sub(forgotten);
                case.until = case.until.saturating_add(forgotten.saturating_mul(eject));
                case.out = false;
            }
        }
        self.cases.retain(|case| case.times > 0 || now < case.until);
    }

    fn case(&mut self, member: u64) -> &mut Case {
        let index = self.cases.iter().position(|case| case.member == member).unwrap_or_else(|| {
            self.cases.push(Case { member, times: 0, until: 0, out: false });
            self.cases.len() - 1
        });
        &mut self.cases[index]
    }
}

/// How many of so many may be left out: the share, and never all.
fn most(members: usize, max_share: u32) -> usize {
    (members * max_share.min(100) as usize / 100).min(members.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Millis;

    const SECOND: u64 = 1_000_000;

    fn rules(max_share: u32) -> Outliers {
        Outliers { consecutive: 5, eject: Millis::seconds(1), max_share }
    }

    fn out(ward: &Ward, now: u64) -> Vec<u64> {
        ward.out(now).map(|(member, _)| member).collect()
    }

    #[test]
    fn each_time_it_is_longer_and_good_times_are_remembered() {
        let (mut ward, rules) = (Ward::default(), rules(50));
        assert_eq!(ward.on_streak(1, 4, &rules, 0), Verdict::Ejected { until: SECOND, times: 1 });
        assert_eq!(out(&ward, SECOND - 1), [1]);
        assert!(out(&ward, SECOND).is_empty());
        assert_eq!(ward.on_streak(1, 4, &rules, SECOND), Verdict::Ejected { until: 3 * SECOND, times: 2 });
        assert_eq!(
            ward.on_streak(1, 4, &rules, 3 * SECOND),
            Verdict::Ejected { until: 6 * SECOND, times: 3 }
        );
        // Two good seconds: two times forgotten.
        assert_eq!(
            ward.on_streak(1, 4, &rules, 8 * SECOND),
            Verdict::Ejected { until: 10 * SECOND, times: 2 }
        );
        assert_eq!(
            ward.on_streak(1, 4, &rules, 60 * SECOND),
            Verdict::Ejected { until: 61 * SECOND, times: 1 }
        );
    }

    #[test]
    fn where_all_are_bad_nobody_is_left_out() {
        let (mut ward, rules) = (Ward::default(), rules(50));
        assert!(matches!(ward.on_streak(1, 4, &rules, 0), Verdict::Ejected { .. }));
        assert!(matches!(ward.on_streak(2, 4, &rules, 0), Verdict::Ejected { .. }));
        assert_eq!(ward.on_streak(3, 4, &rules, 1), Verdict::Spared);
        assert_eq!(ward.on_streak(4, 4, &rules, 2), Verdict::Panic { back: vec![1, 2] });
        assert!(out(&ward, 2).is_empty());
        assert_eq!(ward.on_streak(1, 4, &rules, 3), Verdict::Spared);
        assert!(matches!(ward.on_streak(1, 4, &rules, 3 + SECOND), Verdict::Ejected { .. }));
    }

    #[test]
    fn the_only_one_stays() {
        assert_eq!(Ward::default().on_streak(1, 1, &rules(100), 0), Verdict::Spared);
        let mut ward = Ward::default();
        assert!(matches!(ward.on_streak(1, 2, &rules(100), 0), Verdict::Ejected { .. }));
        assert_eq!(ward.on_streak(2, 2, &rules(100), 0), Verdict::Panic { back: vec![1] });
    }

    #[test]
    fn a_smaller_arm_takes_back_whom_it_needs() {
        let (mut ward, rules) = (Ward::default(), rules(50));
        ward.on_streak(1, 4, &rules, 0);
        ward.on_streak(2, 4, &rules, 1);
        assert_eq!(ward.on_members(&[1, 2, 3], 50, 2), [1]);
        assert_eq!(out(&ward, 2), [2]);
        assert_eq!(ward.on_members(&[2], 50, 2), [2]);
    }

    proptest! {
        #[test]
        fn never_more_than_the_share(
            members in 1_usize..12,
            max_share in 0_u32..=100,
            events in prop::collection::vec((0_u64..12, 0_u64..800_000), 1..200),
        ) {
            let (mut ward, rules) = (Ward::default(), rules(max_share));
            let mut now = 0;
            for (member, step) in events {
                now += step;
                ward.on_streak(member % members as u64, members, &rules, now);
                let out = ward.out(now).count();
                prop_assert!(out * 100 <= members * max_share as usize && out < members, "{out} of {members}");
            }
        }
    }
}
