//! Refusals at the door, counted: whoever floods the API with wrong tokens gets two entries a minute, not the whole disk.

use std::collections::BTreeMap;

use super::deed::{Deed, Outcome};
use crate::access::{Action, Caller, Origin, Who};
use crate::model::Name;

/// Refusals are counted together for so long, in milliseconds.
const WINDOW_MS: u64 = 60_000;
/// So many different ones are told apart in that time; all others are counted as one.
const MOST: usize = 32;

/// Somebody who was turned away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turned {
    /// Who; a stranger where nothing is proven.
    pub who: Who,
    /// Where they are. Of an IPv6 address the network: a machine has as many of them as it likes.
    pub from: Origin,
    /// Why.
    pub code: String,
    /// The rule that refused, where one did.
    pub rule: Option<String>,
    /// What they asked for, where they are known.
    pub command: String,
    /// In this app.
    pub app: Option<Name>,
    /// In this environment.
    pub environment: Option<Name>,
}

/// What is counted, since when.
#[derive(Debug, Default)]
pub struct TurnedAway {
    since_ms: u64,
    counted: BTreeMap<Turned, u64>,
    /// All that are more than can be told apart.
    others: u64,
}

/// What the log is to be told now.
pub type Told = Vec<Deed>;

impl TurnedAway {
    /// Counts one. The first of its kind is told at once, the others when their minute is over.
    pub fn count(&mut self, turned: Turned, now_ms: u64) -> Told {
        let mut told = self.due(now_ms);
        if self.is_empty() {
            self.since_ms = now_ms;
        }
        if let Some(count) = self.counted.get_mut(&turned) {
            *count += 1;
        } else if self.counted.len() < MOST {
            told.push(deed_of(&turned));
            self.counted.insert(turned, 0);
        } else {
            self.others += 1;
        }
        told
    }

    /// What is to be told because its minute is over. A clock that went back ends a minute as well.
    pub fn due(&mut self, now_ms: u64) -> Told {
        let over = now_ms.checked_sub(self.since_ms).is_none_or(|since| since >= WINDOW_MS);
        if over { self.all() } else { Told::new() }
    }

    /// What is not told yet; from then on it counts anew.
    pub fn all(&mut self) -> Told {
        let again =
            |(turned, count): (Turned, u64)| (count > 0).then(|| deed_of(&turned).with("again", count));
        let mut told: Told = std::mem::take(&mut self.counted).into_iter().filter_map(again).collect();
        if self.others > 0 {
            let outcome = Outcome::Refused { code: "api::unauthorized".to_owned(), rule: None };
            let caller = Caller { who: Who::Stranger, from: Origin::Within };
            told.push(
                Deed::new(Action::Read, "others").by(&caller).with("times", self.others).ended(outcome),
            );
        }
        self.others = 0;
        told
    }

    fn is_empty(&self) -> bool {
        self.counted.is_empty() && self.others == 0
    }
}

fn deed_of(turned: &Turned) -> Deed {
    let caller = Caller { who: turned.who.clone(), from: turned.from };
    let outcome = Outcome::Refused { code: turned.code.clone(), rule: turned.rule.clone() };
    Deed::new(Action::Read, turned.command.as_str())
        .by(&caller)
        .at(turned.app.as_ref(), turned.environment.as_ref())
        .ended(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(last: u8) -> Turned {
        Turned {
            who: Who::Stranger,
            from: Origin::Address([192, 0, 2, last].into()),
            code: "api::unauthorized".to_owned(),
            rule: None,
            command: "knock".to_owned(),
            app: None,
            environment: None,
        }
    }

    #[test]
    fn a_flood_is_two_entries_a_minute() {
        let mut away = TurnedAway::default();
        let told: Vec<usize> = (0..1_000).map(|n| away.count(stranger(1), 5_000_000 + n).len()).collect();
        assert_eq!((told[0], told.iter().sum::<usize>()), (1, 1));
        assert!(away.due(5_059_999).is_empty());
        let due = away.due(5_060_000);
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].with["again"], "999");
        assert!(away.due(9_000_000).is_empty(), "told once");
        assert_eq!(away.count(stranger(1), 9_000_000).len(), 1);
    }

    #[test]
    fn many_strangers_are_one_crowd() {
        let mut away = TurnedAway::default();
        let told: usize = (0..200).map(|n| away.count(stranger(n), 1_000_000).len()).sum();
        assert_eq!(told, MOST);
        let rest = away.all();
        assert_eq!(rest.len(), 1, "{rest:?}");
        assert_eq!(rest[0].with["times"], (200 - MOST).to_string());
        assert_eq!(away.count(stranger(1), 1_000_001).len(), 1, "counted anew");
    }

    #[test]
    fn a_clock_that_goes_back_ends_the_minute() {
        let mut away = TurnedAway::default();
        away.count(stranger(1), 9_000_000);
        away.count(stranger(1), 9_000_001);
        assert_eq!(away.due(1_000).len(), 1);
    }
}
