//! The ways of a handle: to what is stored, and to the loop.

use std::path::Path;
use std::sync::PoisonError;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use tidegate_core::audit::Deed;

use super::Handle;
use crate::answer::{self, Answers};
use crate::audit::Call;
use crate::engine::{Time, World};
use crate::experiment::Pseudonyms;
use crate::plane::{Refusal, RefusalKind};
use crate::run::{Published, Signal};

/// How long the loop may take to get to a request before it is taken as stuck.
const LOOP_WITHIN: Duration = Duration::from_secs(30);

/// How long `down` waits for its entry.
const TOLD_WITHIN: Duration = Duration::from_secs(5);

impl Handle {
    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// What the loop says of itself.
    pub(crate) fn published(&self) -> &Published {
        &self.published
    }

    /// Answers from what is stored.
    pub(crate) fn read<T>(
        &self,
        answer: impl FnOnce(&Answers<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.published.state();
        let reports = self.published.reports.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let scalings = self.published.scalings.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut answered, mut result) = (None, Ok(()));
        // One snapshot: an answer never shows half of a decision.
        let outcome = reader.snapshot(|reader| {
            let answers = Answers {
                store: reader,
                state: &state,
                reports: &reports,
                scalings: &scalings,
                logs: self.logs.as_ref(),
            };
            match answer(&answers) {
                Ok(value) => answered = Some(value),
                Err(refusal) => result = Err(refusal),
            }
            Ok(())
        });
        outcome.map_err(answer::store_trouble)?;
        result?;
        answered.ok_or_else(|| Refusal::new(RefusalKind::Bug, "bug", "an answer was lost"))
    }

    /// The key by which users are known, read at the first event.
    pub(super) fn pseudonyms(&self) -> Result<&Pseudonyms, Refusal> {
        if let Some(known) = self.pseudonyms.get() {
            return Ok(known);
        }
        let _one = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.pseudonyms.get() {
            return Ok(known);
        }
        let made = Pseudonyms::of(&self.data).map_err(|error| {
            let message = format!("the key of experiments cannot be read or made: {error}");
            Refusal::new(RefusalKind::Environment, "experiment::key", message).help("see `tidegate doctor`")
        })?;
        Ok(self.pseudonyms.get_or_init(|| made))
    }

    /// Enters what is about to be done to Tidegate itself. Neither a full disk nor a loop that is stuck keeps anybody from stopping it.
    pub(super) fn tell_of(&self, deed: Deed) {
        let call = Call::now();
        let signed = Call::sign(call.as_ref(), deed);
        match self.note_within(vec![signed], TOLD_WITHIN) {
            Ok(()) => {
                if let Some(call) = call {
                    call.tell();
                }
            }
            Err(error) => tracing::error!(%error, "it could not be entered into the audit log"),
        }
    }

    /// Has the loop do something between two passes.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut World<'_>, Time) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.ask_within(LOOP_WITHIN, work)
    }

    /// The same, waiting no longer than this.
    pub(crate) fn ask_within<T: Send + 'static>(
        &self,
        within: Duration,
        work: impl FnOnce(&mut World<'_>, Time) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let (reply, answer) = channel();
        let ask = Box::new(move |world: &mut World<'_>, time: Time| {
            // Nobody waits any more: nothing to tell.
            let _ = reply.send(work(world, time));
        });
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let gone = || {
            Refusal::new(RefusalKind::Environment, "control::stopping", "the control plane is stopping")
                .help("start it again with `tidegate up`")
        };
        signals.send(Signal::Ask(ask)).map_err(|_| gone())?;
        answer.recv_timeout(within).map_err(|error| match error {
            RecvTimeoutError::Disconnected => gone(),
            RecvTimeoutError::Timeout => {
                let message = format!("the control loop did not answer within {} s", within.as_secs());
                Refusal::new(RefusalKind::Environment, "control::stuck", message)
                    .help("see `tidegate doctor`")
            }
        })?
    }

    /// Has the loop write something down between two passes, without waiting for it.
    pub(crate) fn jot(
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
