//! One number of instances over time: what is asked for, made steady.

use serde::{Deserialize, Serialize};

use super::window::Window;
use crate::model::Autoscale;
use crate::time::{Millis, Moment};

/// From one step up to the next: new instances have to show what they do first.
const UP_EVERY: Millis = Millis::seconds(5);
/// From one step down to the next.
const DOWN_EVERY: Millis = Millis::seconds(15);
/// A step up may always add so many; beyond that it doubles.
const STEP_UP: u32 = 4;

/// A number of instances and what is remembered to keep it steady.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// So many are wanted.
    pub wanted: u32,
    /// The largest number asked for while a smaller one has to wait.
    down: Window,
    /// The smallest number asked for while a larger one has to wait: each counted down from `u32::MAX`.
    up: Window,
    /// When `wanted` changed last.
    changed_at: Option<Moment>,
}

impl Track {
    /// So many, and nothing is known of before.
    pub fn new(wanted: u32) -> Self {
        Track { wanted, down: Window::new(wanted), up: Window::new(u32::MAX - wanted), changed_at: None }
    }

    /// At once so many, whatever was before.
    pub(super) fn jump(&mut self, wanted: u32, now: Moment) {
        if self.wanted != wanted {
            *self = Track { changed_at: Some(now), ..Track::new(wanted) };
        }
    }

    /// Takes in what is asked for now, which is within `least` and `most`.
    pub(super) fn follow(&mut self, asked: u32, policy: &Autoscale, (least, most): (u32, u32), now: Moment) {
        self.down.note(asked, now, policy.down_after);
        self.up.note(u32::MAX - asked, now, policy.up_after);
        let (smallest, largest) = (u32::MAX - self.up.largest(), self.down.largest());
        let next = if smallest > self.wanted && self.rested(UP_EVERY, now) {
            smallest.min(self.wanted.saturating_mul(2).max(self.wanted + STEP_UP))
        } else if largest < self.wanted && self.rested(DOWN_EVERY, now) {
            largest.max(self.wanted / 2)
        } else {
            self.wanted
        };
        // A bound is a bound at once.
        let next = next.clamp(least, most);
        if next != self.wanted {
            (self.wanted, self.changed_at) = (next, Some(now));
        }
    }

    fn rested(&self, span: Millis, now: Moment) -> bool {
        self.changed_at.is_none_or(|at| now.since(at) >= span)
    }
}
