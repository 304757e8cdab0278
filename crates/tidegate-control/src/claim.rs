//! A host and path leads to one environment of one app only.
//!
//! Looked at when a deploy comes in, so that its user hears of it at once, and when a rollout is to begin: another may have
//! come in between, and a rollback brings routes back that were free meanwhile.

use tidegate_core::model::{Name, RevisionNo, RouteSpec, ServiceState};
use tidegate_store::{Reader, StoreError};

/// Who has one of these routes already, as a sentence; `None` where they are free for this environment.
pub(crate) fn taken(
    store: &Reader,
    app: &Name,
    environment: &Name,
    routes: &[RouteSpec],
) -> Result<Option<String>, StoreError> {
    if routes.is_empty() {
        return Ok(None);
    }
    let others = |state: &ServiceState| state.key.app != *app || state.key.environment != *environment;
    for state in store.services()?.into_iter().filter(others) {
        for number in claiming(store, &state)? {
            let revision = store.revision(&state.key.app, &state.key.environment, number)?;
            let theirs = revision.iter().flat_map(|revision| &revision.spec.routes);
            let place = theirs.into_iter().find(|held| {
                routes.iter().any(|route| (&route.host, &route.path) == (&held.host, &held.path))
            });
            if let Some(RouteSpec { host, path, .. }) = place {
                let (app, environment) = (&state.key.app, &state.key.environment);
                return Ok(Some(format!(
                    "the route {host}{path} leads to app {app} in {environment} already"
                )));
            }
        }
    }
    Ok(None)
}

/// The revisions whose routes a service has, goes back to, or is on its way to.
fn claiming(store: &Reader, state: &ServiceState) -> Result<Vec<RevisionNo>, StoreError> {
    let rollout = state.rollout.map(|id| store.rollout(id)).transpose()?.flatten();
    let mut numbers: Vec<_> = state
        .stable
        .into_iter()
        .chain(state.routing.routes_of)
        .chain(rollout.map(|rollout| rollout.to))
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::RoutePolicy;
    use tidegate_core::model::{
        Build, BuildId, BuildPhase, Effective, Revision, RevisionSpec, RolloutId, RolloutKind, ServiceKey,
        Strategy, StrategyKind,
    };
    use tidegate_core::rollout::begin;
    use tidegate_core::rollout::begin::NewRollout;
    use tidegate_core::time::Moment;
    use tidegate_store::Store;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn route(host: &str) -> RouteSpec {
        RouteSpec {
            host: host.to_owned(),
            path: "/".to_owned(),
            to: Some(name("web")),
            policy: RoutePolicy::default(),
        }
    }

    fn put_revision(store: &mut Store, app: &str, number: u32, host: &str) {
        let spec = RevisionSpec {
            build: BuildId("b".to_owned()),
            services: Default::default(),
            routes: vec![route(host)],
            migrate: None,
            jobs: Default::default(),
            trains: Default::default(),
            settings: Default::default(),
        };
        let revision = Revision {
            app: name(app),
            environment: name("production"),
            number: RevisionNo(number),
            digest: format!("{app}{number}"),
            spec,
            commit: None,
            dirty: false,
            made_at_unix_ms: 0,
        };
        let build = Build {
            id: BuildId("b".to_owned()),
            app: name(app),
            snapshot: String::new(),
            run: None,
            within_ms: 0,
            phase: BuildPhase::Ready,
            content: None,
            size: 0,
            source: Default::default(),
            made_at_unix_ms: 0,
        };
        let stored = store.transaction(|tx| {
            tx.put_build(&build)?;
            tx.next_revision(&revision.app, &revision.environment)?;
            tx.put_revision(&revision)
        });
        stored.unwrap();
    }

    fn state(app: &str) -> ServiceState {
        let (app, environment, service) = (name(app), name("production"), name("web"));
        ServiceState::new(ServiceKey { app, environment, service })
    }

    fn asked(store: &Store, app: &str, host: &str) -> Option<String> {
        taken(store, &name(app), &name("production"), &[route(host)]).unwrap()
    }

    #[test]
    fn a_stable_revision_holds_its_routes_against_others_only() {
        let mut store = Store::in_memory().unwrap();
        put_revision(&mut store, "shop", 1, "a.test");
        let held = ServiceState { stable: Some(RevisionNo(1)), ..state("shop") };
        store.transaction(|tx| tx.put_service(&held)).unwrap();
        let said = asked(&store, "thief", "a.test").unwrap();
        assert_eq!(said, "the route a.test/ leads to app shop in production already");
        assert_eq!(asked(&store, "shop", "a.test"), None);
        assert_eq!(asked(&store, "thief", "b.test"), None);
    }

    #[test]
    fn a_rollout_on_its_way_holds_the_routes_it_brings() {
        let mut store = Store::in_memory().unwrap();
        put_revision(&mut store, "shop", 1, "new.test");
        let effective =
            Effective { strategy: Strategy::new(StrategyKind::BlueGreen), why: None, zero_downtime: true };
        let new = NewRollout {
            id: RolloutId(1),
            kind: RolloutKind::Deploy,
            deploy: None,
            to: RevisionNo(1),
            effective,
            unix_ms: 0,
        };
        let begun = begin(&state("shop"), None, new, Moment(0));
        let stored = store.transaction(|tx| {
            tx.put_service(&begun.state)?;
            tx.put_rollout(&begun.rollout)
        });
        stored.unwrap();
        assert!(asked(&store, "thief", "new.test").is_some());
    }
}
