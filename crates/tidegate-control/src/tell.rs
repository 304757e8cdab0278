//! Events of what goes on beside the loop, into the timeline by the one who writes it.

use tidegate_core::event::Event;

use crate::answer::store_trouble;
use crate::handle::Handle;
use crate::plane::Refusal;

impl Handle {
    /// Puts an event into the timeline.
    ///
    /// # Errors
    /// Where the disk is full or the control plane is ending.
    pub fn tell(&self, event: Event) -> Result<(), Refusal> {
        self.ask(move |world, time| {
            let told = world.store.transaction(|tx| tx.event(&event, time.unix_ms).map(drop));
            told.map_err(store_trouble)
        })
    }
}
