//! A change of settings becomes a revision: a deploy of what serves, with the same build and what is set now.

use tidegate_core::event::Event;
use tidegate_core::model::{BuildPhase, BuildSource, Deploy, DeployPhase, Revision, RevisionSpec};
use tidegate_core::setting::Settings;
use tidegate_core::view::SettingRollout;
use tidegate_store::{Counter, Reader, StoreError, Tx};

use super::pin::Place;
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};
use crate::succession;

/// How a change comes to what runs in an environment.
#[derive(Debug)]
pub(crate) enum Way {
    /// By a deploy of this revision's build.
    Deploy(Box<Revision>),
    /// A deploy whose build is being made takes it along.
    Along(u64),
    /// Nothing is deployed there.
    Nothing,
}

/// How a change would come there.
pub(crate) fn way(store: &Reader, place: Place<'_>) -> Result<Way, Refusal> {
    let of_place = |deploy: &&Deploy| (&deploy.app, &deploy.environment) == place;
    let open = store.open_deploys().map_err(store_trouble)?;
    let building = open.iter().filter(of_place).filter(|deploy| deploy.phase == DeployPhase::Building);
    if let Some(newest) = building.map(|deploy| deploy.id).max() {
        return Ok(Way::Along(newest));
    }
    Ok(goal(store, place).map_err(store_trouble)?.map_or(Way::Nothing, |goal| Way::Deploy(Box::new(goal))))
}

/// The revision an environment is on, or goes to.
pub(crate) fn goal(store: &Reader, place: Place<'_>) -> Result<Option<Revision>, StoreError> {
    let goals = succession::goals(store, place, &Default::default())?;
    let Some(newest) = goals.into_iter().max() else { return Ok(None) };
    store.revision(place.0, place.1, newest)
}

impl Way {
    /// Refuses it where the build is gone.
    pub(crate) fn is_open(&self, store: &Reader) -> Result<(), Refusal> {
        let Way::Deploy(revision) = self else { return Ok(()) };
        let build = store.build(&revision.spec.build).map_err(store_trouble)?;
        if build.is_some_and(|build| build.phase == BuildPhase::Ready) {
            return Ok(());
        }
        let message = format!("the build of {} is gone: it was removed to make room", revision.number);
        Err(Refusal::new(RefusalKind::Conflict, "revision::build-gone", message)
            .help("check its commit out and `tidegate deploy` it"))
    }

    /// Writes what has it come there; what becomes of it.
    pub(crate) fn take(
        &self,
        tx: &Tx<'_>,
        place: Place<'_>,
        (what, by): (&str, &str),
        time: Time,
    ) -> Result<SettingRollout, StoreError> {
        let (deploy, what) = match self {
            Way::Deploy(revision) => {
                let deploy = deploy_of(revision, tx.next_id(Counter::Deploy)?, by, time);
                tx.put_deploy(&deploy)?;
                let message = format!("deploy {} of {} with {what}, by {by}", deploy.id, revision.number);
                let event = Event::about(place.0.as_str(), place.1.as_str(), "deploy.started", message);
                tx.event(&event, time.unix_ms)?;
                (Some(deploy.id), format!("deploy {} rolls it out with the same build", deploy.id))
            }
            Way::Along(deploy) => {
                (Some(*deploy), format!("deploy {deploy}, whose build is being made, takes it along"))
            }
            Way::Nothing => (None, "nothing is deployed there yet: the first deploy has it".to_owned()),
        };
        Ok(SettingRollout { app: place.0.to_string(), environment: place.1.to_string(), deploy, what })
    }
}

/// What serves, once more. Its settings are those of the moment it becomes a revision.
fn deploy_of(revision: &Revision, id: u64, by: &str, time: Time) -> Deploy {
    Deploy {
        id,
        app: revision.app.clone(),
        environment: revision.environment.clone(),
        build: revision.spec.build.clone(),
        source: BuildSource { commit: revision.commit.clone(), dirty: revision.dirty },
        spec: RevisionSpec { settings: Settings::default(), ..revision.spec.clone() },
        flags: None,
        phase: DeployPhase::Building,
        revision: None,
        rollouts: Vec::new(),
        error: None,
        migration: None,
        smoke: false,
        by: by.to_owned(),
        created_at: time.now,
        made_at_unix_ms: time.unix_ms,
    }
}
