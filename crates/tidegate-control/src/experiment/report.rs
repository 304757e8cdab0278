//! Taking what gateways saw of users: each report in one transaction with the note that it was taken, and only then is its file removed. A
//! kill at any moment leaves a file that was taken, and is passed over, or one that was not.

use std::collections::BTreeSet;
use std::io;

use tidegate_core::experiment::{UserDigest, Visits};
use tidegate_core::model::{ExposedUser, ExposedUsers, ExposureReport, FlagKey, Name, ReportName};
use tidegate_store::{Store, StoreError, Tx};

use super::bundle::tag;
use super::pseudonym::Seen;
use super::standing::settle;
use super::take::Taking;
use crate::engine::{Time, World};

/// So many users are taken in one pass, and those that came with the last of them.
const MOST_USERS: usize = 2_000;

/// Takes the reports that wait, or a part of them; whether there are more.
///
/// # Errors
/// The store's: the report is there still, and is taken in the next pass.
pub(crate) fn take_reports(world: &mut World<'_>, time: Time) -> Result<bool, StoreError> {
    let waiting = world.routes.reports();
    let (mut users, mut held) = (0, BTreeSet::<&str>::new());
    for name in &waiting {
        if users >= MOST_USERS {
            return Ok(true);
        }
        if held.contains(name.incarnation.as_str()) {
            continue;
        }
        match world.routes.report(name) {
            Ok(report) if report.name() == *name => {
                users += report.experiments.iter().map(|one| one.users.len()).sum::<usize>();
                take_report(world.store, time, &report, &waiting)?;
            }
            Err(error) if may_pass(&error) => {
                tracing::warn!(%error, report = name.file_name(), "a report of users waits until it can be read");
                // A later one of the same gateway would make it count for one that was taken.
                held.insert(name.incarnation.as_str());
                continue;
            }
            Ok(_) => tracing::warn!(
                report = name.file_name(),
                "a report of users has another's name and is left out"
            ),
            Err(error) => {
                tracing::warn!(%error, report = name.file_name(), "a report of users cannot be read and is left out");
            }
        }
        world.routes.drop_report(name);
    }
    Ok(false)
}

/// Whether a report may be read at another time: what was read and is none stays that.
fn may_pass(error: &io::Error) -> bool {
    !matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof)
}

fn take_report(
    store: &mut Store,
    time: Time,
    report: &ExposureReport,
    waiting: &[ReportName],
) -> Result<(), StoreError> {
    let gateways: Vec<&str> = waiting.iter().map(|name| name.incarnation.as_str()).collect();
    store.transaction(|tx| {
        report.experiments.iter().try_for_each(|exposed| take_exposed(tx, time, (report, &gateways), exposed))
    })
}

/// Of one experiment.
fn take_exposed(
    tx: &Tx<'_>,
    time: Time,
    (report, waiting): (&ExposureReport, &[&str]),
    exposed: &ExposedUsers,
) -> Result<(), StoreError> {
    let place = exposed
        .set
        .split_once('/')
        .and_then(|(app, environment)| Some((app.parse::<Name>().ok()?, environment.parse::<Name>().ok()?)));
    let Some((app, environment)) = place else { return Ok(()) };
    let place = (&app, &environment);
    let designs = settle(tx, place, time)?;
    let designed = designs.iter().find(|designed| designed.flag == exposed.flag);
    // Under another design they were dealt out in another way.
    let is_of =
        designed.and_then(|designed| designed.design.as_ref().ok()).map(tag) == Some(exposed.design.clone());
    let mut taking = Taking::begin(tx, place, time, designs)?;
    let source = (report.incarnation.as_str(), report.serial);
    if !is_of || !taking.is_new(&exposed.flag, source, waiting) {
        return taking.finish().map(drop);
    }
    for user in &exposed.users {
        taking.visit(&exposed.flag, user)?;
    }
    taking.note_report(&exposed.flag, source, waiting, exposed.dropped);
    taking.finish().map(drop)
}

impl Taking<'_> {
    /// Whether a report was not counted yet. One of an experiment that has not begun was not.
    fn is_new(&self, flag: &FlagKey, source: (&str, u64), waiting: &[&str]) -> bool {
        let running = self.running.iter().find(|run| run.experiment.key.flag == *flag);
        running.is_none_or(|run| run.experiment.intake.clone().is_new(source, waiting))
    }

    /// It is counted now.
    fn note_report(&mut self, flag: &FlagKey, source: (&str, u64), waiting: &[&str], dropped: u64) {
        if let Some(run) = self.running.iter_mut().find(|run| run.experiment.key.flag == *flag) {
            run.experiment.intake.is_new(source, waiting);
            run.experiment.left_out.dropped += dropped;
        }
    }

    /// A user came by the gateway.
    fn visit(&mut self, flag: &FlagKey, exposed: &ExposedUser) -> Result<(), StoreError> {
        let Some(user) = UserDigest::from_hex(&exposed.user) else { return Ok(()) };
        let (variant, at_unix_ms) = (exposed.variant.clone(), Some(exposed.at_unix_ms));
        self.see(&Seen { flag: flag.clone(), variant, user, at_unix_ms })?;
        let Some(run) = self.running.iter().find(|run| run.experiment.key.flag == *flag) else {
            return Ok(());
        };
        let (id, place) = (run.experiment.id, run.experiment.design.place_of(&exposed.variant));
        let known = self.tx.experiment_user(id, &user)?;
        // Whoever was counted, or is with another variant, is over.
        let open =
            known.filter(|known| !known.crossed && known.values.is_none() && Some(known.place) == place);
        let Some(mut known) = open else { return Ok(()) };
        known.visits = Some(known.visits.unwrap_or_default().and(visits_of(exposed)));
        self.tx.update_experiment_user(id, &user, &known)
    }
}

/// What a report says, made to fit together whatever it says.
fn visits_of(exposed: &ExposedUser) -> Visits {
    let requests = u64::from(exposed.requests);
    let answered = u64::from(exposed.answered).min(requests);
    let latency_ms = if exposed.latency_ms.is_finite() { exposed.latency_ms.max(0.0) } else { 0.0 };
    Visits { requests, answered, bad: u64::from(exposed.bad).min(answered), latency_ms }
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
