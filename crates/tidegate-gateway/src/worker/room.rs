//! What a worker gives of the process's descriptors, and what it gives back: see [`crate::descriptors`].

use super::Worker;
use crate::descriptors::Share;

impl Worker {
    /// For a client that comes, for which idle extras are closed where it is they that keep it out.
    pub(super) fn seat(&self) -> Option<Share> {
        let seat = self.descriptors.seat();
        if seat.is_some() || !self.descriptors.extras_take_seats() {
            return seat;
        }
        self.descriptors.ask_for_extras();
        self.give_extras();
        self.descriptors.seat()
    }

    /// Closes what nobody uses here, where somebody needs it.
    pub(super) fn give_way(&self) {
        let wanted = self.descriptors.wanted();
        let before = self.gave_way.replace(wanted);
        if wanted != before {
            self.give_extras();
        }
        if wanted.links != before.links {
            self.kept.clear();
        }
    }

    fn give_extras(&self) {
        self.pipes.clear();
        self.kept.clear_extras();
    }
}
