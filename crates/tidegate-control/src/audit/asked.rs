//! What changes something, on its way to the loop and into the log.

use std::time::Duration;

use tidegate_core::audit::{Deed, Outcome};
use tidegate_core::model::{InstanceId, RunNo};
use tidegate_store::{Reader, Store};

use super::call::Call;
use crate::answer::place_of;
use crate::engine::{Time, World};
use crate::handle::Handle;
use crate::plane::{Refusal, RefusalKind, Scope};

/// How long a refusal waits for its entry.
const NOTED_WITHIN: Duration = Duration::from_secs(10);

impl Handle {
    /// Has the loop change something between two passes: with the entry of it in the transaction of the change. What is refused, and
    /// what turned out to be so already, is entered by itself.
    pub(crate) fn change<T: Send + 'static>(
        &self,
        deed: Deed,
        work: impl FnOnce(&mut World<'_>, Time) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let call = Call::now();
        let deed = Call::sign(call.as_ref(), deed);
        self.ask(move |world, time| {
            let deed = placed(world.store, deed);
            world.store.announce(deed.clone(), time.unix_ms);
            let result = work(world, time);
            if settle(world.store, deed, &result, time)
                && let Some(call) = call
            {
                call.tell();
            }
            result
        })
    }

    /// The same result; what is refused before it gets to the loop is entered.
    pub(crate) fn or_noted<T>(&self, deed: &Deed, result: Result<T, Refusal>) -> Result<T, Refusal> {
        let Err(refusal) = &result else { return result };
        let call = Call::now();
        let deed = Call::sign(call.as_ref(), deed.clone()).ended(outcome_of(refusal));
        match self.note(vec![deed]) {
            Ok(()) => {
                if let Some(call) = call {
                    call.tell();
                }
            }
            Err(error) => tracing::error!(%error, "a refusal could not be entered into the audit log"),
        }
        result
    }

    /// The same, of what may have got to the loop: then it is entered already.
    pub(crate) fn or_noted_once<T>(&self, deed: &Deed, result: Result<T, Refusal>) -> Result<T, Refusal> {
        match Call::now() {
            Some(call) if call.is_told() => result,
            Some(_) | None => self.or_noted(deed, result),
        }
    }

    /// Enters deeds that change nothing that is stored.
    pub(crate) fn note(&self, deeds: Vec<Deed>) -> Result<(), Refusal> {
        self.note_within(deeds, NOTED_WITHIN)
    }

    /// The same, waiting no longer than this.
    pub(crate) fn note_within(&self, deeds: Vec<Deed>, within: Duration) -> Result<(), Refusal> {
        self.ask_within(within, move |world, time| {
            let deeds: Vec<Deed> = deeds.into_iter().map(|deed| placed(world.store, deed)).collect();
            let written = world.store.transaction(|tx| {
                deeds.into_iter().try_for_each(|deed| tx.audit(deed, time.unix_ms).map(drop))
            });
            written.map_err(crate::answer::store_trouble)
        })
    }
}

/// Ends what was announced; whether the log has an entry of it. What was refused stays refused, entered or not.
fn settle<T>(store: &mut Store, deed: Deed, result: &Result<T, Refusal>, time: Time) -> bool {
    let entered = store.announced_is_over();
    let deed = match result {
        Ok(_) if entered => return true,
        Ok(_) => deed,
        Err(refusal) => deed.ended(outcome_of(refusal)),
    };
    let written = store.transaction(|tx| tx.audit(deed, time.unix_ms));
    if let Err(error) = &written {
        tracing::error!(%error, "what was asked could not be entered into the audit log");
    }
    written.is_ok()
}

/// What a refusal is to the log.
pub(super) fn outcome_of(refusal: &Refusal) -> Outcome {
    let code = refusal.code.clone();
    match refusal.kind {
        RefusalKind::Invalid | RefusalKind::NotFound | RefusalKind::Conflict => {
            Outcome::Refused { code, rule: None }
        }
        RefusalKind::Environment | RefusalKind::Bug => Outcome::Failed { code },
    }
}

/// The deed with the app and the environment that are meant where they are not said, as far as that is clear.
fn placed(store: &Reader, deed: Deed) -> Deed {
    if let Some(run) = deed.with.get("run").and_then(|number| number.parse().ok()) {
        let known = store.pipeline_run(RunNo(run)).ok().flatten();
        return match known {
            Some(run) => deed.at(Some(&run.app), Some(&run.environment)),
            None => deed,
        };
    }
    if let Some(id) = deed.with.get("id").filter(|_| deed.command == "run stop") {
        let known = store.job(&InstanceId(id.clone())).ok().flatten().and_then(|job| job.of);
        return match known {
            Some((key, _)) => deed.at(Some(&key.app), Some(&key.environment)),
            None => deed,
        };
    }
    if !super::deeds::is_of_an_environment(&deed) || deed.app.is_some() && deed.environment.is_some() {
        return deed;
    }
    let scope = Scope { app: deed.app.clone(), environment: deed.environment.clone() };
    match place_of(store, &scope) {
        Ok((app, environment)) => deed.at(Some(&app), Some(&environment)),
        Err(_) => deed,
    }
}
