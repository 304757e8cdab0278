//! Asking the loop for something that nobody waits for.

use std::sync::PoisonError;

use super::Handle;
use crate::engine::{Time, World};
use crate::plane::Refusal;
use crate::run::Signal;

impl Handle {
    /// Has the loop do something between two passes, without waiting for it.
    pub(crate) fn tell(
        &self,
        work: impl FnOnce(&mut World<'_>, Time) -> Result<(), Refusal> + Send + 'static,
    ) {
        let ask = Box::new(move |world: &mut World<'_>, time: Time| {
            if let Err(refusal) = work(world, time) {
                tracing::warn!(code = refusal.code, "a note could not be written");
            }
        });
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        // The loop is gone: nothing is noted any more.
        let _ = signals.send(Signal::Ask(ask));
    }
}
