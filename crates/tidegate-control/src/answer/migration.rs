//! Where an environment stands with its migrations, for `status` and `plan`.

use tidegate_core::migration::may_be_left_out;
use tidegate_core::model::{ContractPhase, MigrateSpec, MigrationState, Name};
use tidegate_core::time::Millis;
use tidegate_core::view::MigrationView;
use tidegate_store::Reader;

use super::{Answers, store_trouble};
use crate::engine::expand_digest;
use crate::intake::Accepted;
use crate::plane::Refusal;

/// Where it stands now; `None` where it never had a migration.
pub(super) fn migration_of(
    answers: &Answers<'_>,
    app: &Name,
    environment: &Name,
) -> Result<Option<MigrationView>, Refusal> {
    let state = answers.store.migration_state(app, environment).map_err(store_trouble)?;
    state.map(|state| view_of(answers, &state)).transpose()
}

fn view_of(answers: &Answers<'_>, state: &MigrationState) -> Result<MigrationView, Refusal> {
    let contract = state.contract.as_ref();
    let (word, job) = match contract.map(|contract| &contract.phase) {
        None => ("none", None),
        Some(ContractPhase::Waiting { .. }) => ("waiting", None),
        Some(ContractPhase::Running(job)) => ("running", Some(job.to_string())),
        Some(ContractPhase::Done) => ("done", None),
        Some(ContractPhase::Failed { job, .. }) => ("failed", Some(job.to_string())),
    };
    let left = left_of(answers, state)?;
    let mut view = MigrationView {
        expanded: state.expanded.last().map(|expanded| expanded.revision),
        contract_of: contract.map(|contract| contract.revision),
        contract: word.to_owned(),
        contract_in_seconds: left.map(|left| left.0.div_ceil(1_000)),
        job,
        no_rollback_before: state.door.as_ref().map(|door| door.revision),
        summary: String::new(),
    };
    view.summary = summary(&view, left);
    Ok(view)
}

/// How long the rollback window is open.
fn left_of(answers: &Answers<'_>, state: &MigrationState) -> Result<Option<Millis>, Refusal> {
    let Some(contract) = &state.contract else { return Ok(None) };
    let ContractPhase::Waiting { since } = contract.phase else { return Ok(None) };
    let revision =
        answers.store.revision(&state.app, &state.environment, contract.revision).map_err(store_trouble)?;
    let after = revision.and_then(|revision| Some(revision.spec.migrate?.contract?.after));
    Ok(after.map(|after| (since + after).since(answers.state.now)))
}

fn summary(view: &MigrationView, left: Option<Millis>) -> String {
    let mut parts = Vec::new();
    parts.extend(view.expanded.map(|of| format!("expanded for {of}")));
    if let Some(of) = view.contract_of {
        parts.push(match (view.contract.as_str(), left) {
            ("waiting", Some(left)) => {
                format!("contract step of {of} in {}", Millis(left.0.div_ceil(1_000) * 1_000))
            }
            (word, _) => format!("contract step of {of} {word}"),
        });
    }
    parts.extend(view.no_rollback_before.map(|of| format!("no rollback to a revision before {of}")));
    parts.join("; ")
}

/// The migration of a plan.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// The command that would run before the candidate gets requests.
    pub(super) run: Option<String>,
    /// All steps in words.
    pub(super) steps: Vec<String>,
}

/// The migration of a deploy that changes something.
pub(super) fn planned_migration(store: &Reader, accepted: &Accepted) -> Result<Planned, Refusal> {
    let Some(migrate) = &accepted.spec.migrate else { return Ok(Planned::default()) };
    let state = store.migration_state(&accepted.app, &accepted.environment).map_err(store_trouble)?;
    let done = state.and_then(|state| may_be_left_out(&state, &expand_digest(&accepted.spec)));
    let run = done.is_none().then(|| migrate.run.clone());
    Ok(Planned { run, steps: steps(migrate, done) })
}

fn steps(migrate: &MigrateSpec, done: Option<tidegate_core::model::RevisionNo>) -> Vec<String> {
    let one_way = |one_way: bool| if one_way { "; one-way: no rollback past it" } else { "" };
    let expand = match done {
        Some(of) => format!("expand: nothing, it ran for this build with {of}"),
        None => format!(
            "expand: `{}` before the candidate gets requests{}",
            migrate.run,
            one_way(migrate.one_way)
        ),
    };
    let contract = migrate.contract.as_ref().map(|contract| {
        format!(
            "contract: `{}` once it has been stable for {}{}",
            contract.run,
            contract.after,
            one_way(contract.one_way)
        )
    });
    std::iter::once(expand).chain(contract).collect()
}
