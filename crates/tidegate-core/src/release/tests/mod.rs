//! Orders one by one, what holds for all of them, and what evaluators make of the composed set.

mod compose;
mod invariants;
mod orders;
mod own;
mod refusals;
mod write_back;

use serde_json::{Value, json};

use super::*;
use crate::model::{FlagState, Millionths, Release, Serving, Share};

/// When everything happens: 2026-12-01T00:00:00Z.
pub(super) const NOW: u64 = 1_796_083_200_000;

pub(super) fn document() -> Value {
    json!({"flags": {
        "new-cart": {
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "targeting": {"if": [{"===": [{"var": "staff"}, true]}, "on"]},
            "metadata": {"class": "rollout", "owner": "shop"}
        },
        "plain": {"state": "ENABLED", "variants": {"yes": true, "no": false}, "defaultVariant": "no"},
        "paid": {
            "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
            "metadata": {"class": "entitlement"}
        },
        "colour": {
            "state": "ENABLED", "variants": {"red": "#f00", "green": "#0f0", "blue": "#00f"},
            "defaultVariant": "red", "metadata": {"safe": "blue"}
        },
        "asleep": {"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off"},
        "bare": {"state": "ENABLED", "variants": {"one": 1, "two": 2}}
    }})
}

pub(super) fn definition(key: &str) -> Definition {
    Definition::find(&document(), &key.parse().unwrap()).unwrap()
}

pub(super) fn untouched(key: &str) -> FlagState {
    FlagState::untouched(key.parse().unwrap())
}

/// A flag and everything that was released of it, newest first.
pub(super) struct Told {
    pub(super) definition: Definition,
    pub(super) state: FlagState,
    pub(super) history: Vec<Release>,
    pub(super) situation: Situation,
}

impl Told {
    pub(super) fn of(key: &str) -> Self {
        let (definition, state) = (definition(key), untouched(key));
        Told { definition, state, history: Vec::new(), situation: Situation::default() }
    }

    pub(super) fn ask(&mut self, asked: Asked) -> Result<Ordered, Refused> {
        let ordered = order(&self.definition, &self.situation, &self.state, &self.history, &asked, NOW)?;
        match &ordered {
            Ordered::Released(both) => self.keep((**both).clone()),
            Ordered::Waits(both) => self.keep((**both).clone()),
            Ordered::Already => {}
        }
        Ok(ordered)
    }

    pub(super) fn keep(&mut self, (state, release): (FlagState, Release)) {
        assert_eq!((state.version, release.version), (self.state.version + 1, self.state.version + 1));
        assert_eq!((&release.before, &release.after), (&self.state.serving, &state.serving));
        self.state = state;
        self.history.insert(0, release);
    }

    /// What is served after an order that is carried out.
    pub(super) fn after(&mut self, order: Order) -> Serving {
        let asked = Asked { why: Some("because".to_owned()), ..Asked::new(order, "ann") };
        self.ask(asked).unwrap();
        self.state.serving.clone()
    }
}

pub(super) fn to(of: u32) -> Order {
    Order::Share { of: Millionths(of), variant: None, by: None }
}

pub(super) fn variant(name: &str) -> Serving {
    Serving::Variant(name.to_owned())
}

pub(super) fn share(variant: &str, otherwise: &str, of: u32) -> Serving {
    let (variant, otherwise) = (variant.to_owned(), otherwise.to_owned());
    Serving::Share(Share { variant, otherwise, of: Millionths(of), by: None })
}
