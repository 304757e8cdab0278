//! The experiment reconciler: has the gateway evaluate the flags of experiments for each request, and takes what it saw of their users.

use tidegate_core::experiment::ExperimentKey;
use tidegate_core::model::{FlagWatch, Name, RouteTable};
use tidegate_core::time::Millis;
use tidegate_store::{Reader, StoreError};

use super::{Engine, Outcome, Sight, World};
use crate::experiment::{designs, take_reports};

/// How often it is looked for reports, and when again where there are more.
const LOOK: Millis = Millis(500);
const MORE: Millis = Millis(50);

/// What is kept between passes; all of it can be lost.
#[derive(Debug, Default)]
pub(super) struct Experiments {
    /// Of what of the flags, and of which experiments that run, the list is.
    of: Option<(u64, Vec<u64>)>,
    /// Flags of experiments, by how their upstreams begin.
    watches: Vec<(String, FlagWatch)>,
    /// When it was looked for reports last.
    looked: Option<tidegate_core::time::Moment>,
}

impl Engine {
    /// Takes what gateways saw, and looks again at what they are to evaluate where anything changed.
    pub(super) fn experiments(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
    ) -> Result<Outcome, StoreError> {
        let now = sight.time.now;
        let due = self.experiments.looked.is_none_or(|looked| now.since(looked) >= LOOK);
        let mut outcome = Outcome::default();
        if due {
            // They stay where they are; what else there is to do is not to wait for them.
            let more = take_reports(world, sight.time)
                .or_else(|error| if error.is_transient() { Ok(false) } else { Err(error) })?;
            self.experiments.looked = (!more).then_some(now);
            outcome.wake = more.then(|| now + MORE);
        }
        let running = world.store.running_experiments()?.iter().map(|one| one.id).collect();
        let of = Some((world.store.flags_epoch()?, running));
        if self.experiments.of != of {
            self.experiments.watches = watches(world.store)?;
            self.experiments.of = of;
        }
        Ok(outcome)
    }
}

impl Experiments {
    /// Has the gateway evaluate the flags of experiments, for every service of their environment. While a guard watches one, that goes first:
    /// its share is no split yet.
    pub(super) fn watch(&self, table: &mut RouteTable) {
        for (within, watch) in &self.watches {
            let upstreams = table.upstreams.iter_mut().filter(|(name, _)| name.starts_with(within));
            for (_, upstream) in upstreams {
                match upstream.flags.iter_mut().find(|known| known.flag == watch.flag) {
                    Some(known) if known.told => *known = watch.clone(),
                    Some(_) => {}
                    None => upstream.flags.push(watch.clone()),
                }
            }
        }
    }
}

fn watches(store: &Reader) -> Result<Vec<(String, FlagWatch)>, StoreError> {
    let mut all = Vec::new();
    for definitions in store.all_flag_definitions()? {
        all.extend(watches_of(store, &definitions.app, &definitions.environment)?);
    }
    Ok(all)
}

/// Every flag whose experiment says how the gateway tells users. One that has ended, or is none as it is now, is told further: an app
/// without a client of its own knows of the flag by that alone.
fn watches_of(
    store: &Reader,
    app: &Name,
    environment: &Name,
) -> Result<Vec<(String, FlagWatch)>, StoreError> {
    let mut watches = Vec::new();
    for designed in designs(store, app, environment)? {
        if designed.told.is_empty() {
            continue;
        }
        let key =
            ExperimentKey { app: app.clone(), environment: environment.clone(), flag: designed.flag.clone() };
        let last = store.last_experiment(&key)?;
        let design = designed.design.ok();
        let stopped = |last: &tidegate_core::experiment::Experiment| {
            !last.is_running() && design.as_ref().is_some_and(|design| last.design.is_same(design))
        };
        let counted = design.is_some() && !last.as_ref().is_some_and(stopped);
        let watch = FlagWatch {
            flag: designed.flag,
            // Of what is only told nothing is counted, so a new version need not be a new table.
            version: design.as_ref().filter(|_| counted).map_or(0, |design| design.version),
            user: designed.told,
            by: design.and_then(|design| design.by),
            told: !counted,
            experiment: counted,
        };
        watches.push((format!("{app}/{environment}/"), watch));
    }
    Ok(watches)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tidegate_core::model::{FlagDefinitions, FlagState, Serving, Upstream, UserKey};
    use tidegate_store::Store;

    use super::*;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn with_flag() -> Store {
        let document = json!({ "flags": { "cart": {
            "state": "ENABLED", "variants": { "on": true, "off": false }, "defaultVariant": "off",
            "targeting": { "fractional": [{ "var": "user.id" }, ["on", 1], ["off", 1]] },
            "metadata": { "class": "experiment", "experiment": {
                "metric": "gateway.errors", "users": 1000, "user": ["cookie:session"],
            }},
        }}});
        let (app, environment) = (name("shop"), name("production"));
        let definitions = FlagDefinitions { app, environment, deploy: None, revision: None, document };
        let mut store = Store::in_memory().unwrap();
        store.transaction(|tx| tx.put_flag_definitions(&definitions)).unwrap();
        store
    }

    #[test]
    fn a_flag_is_watched_by_its_draw_and_told_further_when_it_is_no_experiment_any_more() {
        let mut store = with_flag();
        let [(within, watch)] = <[_; 1]>::try_from(watches(&store).unwrap()).unwrap();
        assert_eq!((within.as_str(), watch.experiment, watch.told), ("shop/production/", true, false));
        assert_eq!(
            (watch.by.as_deref(), watch.user),
            (Some("user.id"), vec![UserKey::Cookie("session".to_owned())])
        );
        let serving = Serving::Killed("off".to_owned());
        let killed = FlagState { serving, version: 1, ..FlagState::untouched("cart".parse().unwrap()) };
        store.transaction(|tx| tx.put_flag_state(&name("shop"), &name("production"), &killed)).unwrap();
        let (_, watch) = watches(&store).unwrap().remove(0);
        assert_eq!((watch.experiment, watch.told, watch.version), (false, true, 0));
    }

    #[test]
    fn a_guard_goes_first_and_each_flag_is_watched_once() {
        let (_, watch) = watches(&with_flag()).unwrap().remove(0);
        let guarded =
            FlagWatch { experiment: false, user: vec![UserKey::Claim("sub".to_owned())], ..watch.clone() };
        let told = FlagWatch { told: true, version: 0, ..guarded.clone() };
        let experiments = Experiments {
            watches: vec![("shop/production/".to_owned(), watch.clone())],
            ..Experiments::default()
        };
        for (before, after) in
            [(vec![], watch.clone()), (vec![told], watch), (vec![guarded.clone()], guarded)]
        {
            let upstream = Upstream { flags: before, ..Upstream::default() };
            let mut table = RouteTable::default();
            table.upstreams.insert("shop/production/web".to_owned(), upstream.into());
            table.upstreams.insert("shop/staging/web".to_owned(), Upstream::default().into());
            experiments.watch(&mut table);
            let flags: Vec<usize> = table.upstreams.values().map(|upstream| upstream.flags.len()).collect();
            assert_eq!((flags, &table.upstreams["shop/production/web"].flags[0]), (vec![1, 0], &after));
        }
    }
}
