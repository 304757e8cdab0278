//! The watched flags of one upstream, compiled for one table.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tidegate_core::balance::hash;
use tidegate_core::model::{FLAG_CELLS, FlagWatch};
use tidegate_flags::{Context, Map, Reason};

use super::drawn::Given;
use super::exposed::Exposed;
use super::ledger::Sighting;
use super::sets::{Served, Slot};
use super::user::user_of;
use super::{Drawn, FlagRows, Ledger, Sets};
use crate::view::RequestView;

/// Flags besides that are only told.
const MOST_TOLD: usize = 64;
/// Levels of an attribute's path.
const DEEPEST: usize = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watched {
    slot: Arc<Slot>,
    ledger: Arc<Ledger>,
    flags: Box<[Flag]>,
}

#[derive(Debug)]
struct Flag {
    key: Arc<str>,
    watch: FlagWatch,
    /// `None`: it is only told.
    rows: Option<Arc<FlagRows>>,
}

// A cell is a byte.
const _: () = assert!(FLAG_CELLS == 256);

impl Watched {
    /// `upstream` is `app/environment/service`; `rows` gives where a flag is counted. `None`: nothing is watched.
    pub(crate) fn new(
        upstream: &str,
        flags: &[FlagWatch],
        sets: &Sets,
        mut rows: impl FnMut(&FlagWatch) -> Arc<FlagRows>,
    ) -> Option<Self> {
        let (set, _) = upstream.rsplit_once('/')?;
        let flag = |watch: &FlagWatch| Flag {
            key: watch.flag.as_str().into(),
            watch: watch.clone(),
            rows: (!watch.told).then(|| rows(watch)),
        };
        let guarded = flags.iter().filter(|watch| !watch.told && !watch.experiment).take(FlagWatch::MOST);
        let experiments = flags.iter().filter(|watch| !watch.told && watch.experiment).take(FlagWatch::MOST);
        let told = flags.iter().filter(|watch| watch.told).take(MOST_TOLD);
        let flags: Box<[Flag]> = guarded.chain(experiments).chain(told).map(flag).collect();
        (!flags.is_empty()).then(|| Watched { slot: sets.slot(set), ledger: sets.ledger().clone(), flags })
    }

    /// What a request gets.
    pub(crate) fn draw(&self, view: &dyn RequestView) -> Box<Drawn> {
        let Some(served) = self.slot.now() else { return Box::default() };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut drawn = Drawn::default();
        // Most flags tell users apart alike, and to read a token is the most of it.
        let mut last = None;
        for flag in &self.flags {
            let keys = flag.watch.user.as_slice();
            let user = match last.take() {
                Some((known, user)) if known == keys => user,
                _ => user_of(keys, view),
            };
            if let Some(user) = &user
                && let Some(given) = self.given(flag, user, (&served, now))
            {
                drawn.flags.push(given);
            }
            last = Some((keys, user));
        }
        Box::new(drawn)
    }

    /// What a user gets of one flag, and where that is counted; `None` where it has no variant for them, or fails.
    fn given(&self, flag: &Flag, user: &str, (served, now): (&Served, Duration)) -> Option<Given> {
        let now_unix_s = now.as_secs() as i64;
        let context = Context::new(flag.attributes(user)).ok()?;
        let resolution = served.flags.resolve(&flag.key, &context, now_unix_s).ok()?;
        let variant = resolution.variant?;
        let decided =
            || served.own_rules.as_ref().is_some_and(|rules| rules.decide(&flag.key, &context, now_unix_s));
        let rows = flag.rows.clone().filter(|_| !decided());
        let chosen = flag.watch.experiment && resolution.reason == Reason::TargetingMatch;
        let exposed = served.exposed.as_ref().filter(|_| chosen);
        let seen = exposed.and_then(|exposed| flag.sighting(exposed, (user, variant), now));
        Some(Given {
            key: flag.key.clone(),
            variant: variant.into(),
            counted: rows.map(|rows| (rows, hash(user.as_bytes()) as u8)),
            seen: seen.map(|sighting| (self.ledger.clone(), sighting)),
        })
    }
}

impl Flag {
    /// Whom the control plane is told of. A variant that a rule gave, and not chance, is none of the experiment's.
    fn sighting(&self, exposed: &Exposed, (user, variant): (&str, &str), now: Duration) -> Option<Sighting> {
        let experiment = exposed.on(&self.watch.flag)?;
        Some(Sighting {
            place: experiment.place(variant)?,
            experiment: experiment.clone(),
            user: exposed.digest(user),
            at_unix_ms: now.as_millis() as u64,
        })
    }

    fn attributes(&self, user: &str) -> Map {
        let mut all = Map::new();
        if let Some(by) = &self.watch.by {
            put(&mut all, by, user);
        }
        all.insert("targetingKey".to_owned(), user.into());
        all
    }
}

/// Sets an attribute by its path: `user.id` is `id` in `user`.
fn put(all: &mut Map, path: &str, user: &str) {
    let mut names = path.rsplitn(DEEPEST, '.');
    let Some(last) = names.next() else { return };
    let mut value = Value::from(user);
    let mut name = last;
    for outer in names {
        value = Value::Object(Map::from_iter([(name.to_owned(), value)]));
        name = outer;
    }
    all.insert(name.to_owned(), value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::Outcome;
    use crate::view::fake::Asked;
    use http::{HeaderMap, HeaderValue};
    use tidegate_core::model::UserKey;

    const SET: &str = r#"{"epoch":1,"sets":{"shop/production":{"flags":{"new-cart":{"state":"ENABLED",
        "variants":{"on":true,"off":false},"defaultVariant":"off",
        "targeting":{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"user.id"}]},["on",25],["off",75]]}}}}}}"#;

    fn watched(dir: &std::path::Path, rows: &Arc<FlagRows>) -> (Sets, Watched) {
        let path = dir.join("flags.json");
        std::fs::write(&path, SET).unwrap();
        let sets = Sets::of(path);
        let watched = Watched::new("shop/production/web", &[watch()], &sets, |_| rows.clone()).unwrap();
        (sets, watched)
    }

    fn watch() -> FlagWatch {
        let user = vec![UserKey::Header("x-user".into())];
        let by = Some("user.id".into());
        FlagWatch { flag: "new-cart".parse().unwrap(), version: 3, user, by, told: false, experiment: false }
    }

    #[test]
    fn users_are_drawn_told_upstream_and_counted_by_revision() {
        let dir = tempfile::tempdir().unwrap();
        let rows = Arc::new(FlagRows::new(1));
        let (_sets, watched) = watched(dir.path(), &rows);
        let mut on = 0;
        for n in 0..1_000 {
            let asked = Asked::get("/").with("x-user", &format!("u{n}"));
            let drawn = watched.draw(&asked);
            let mut headers = HeaderMap::new();
            drawn.write(&mut headers);
            let said = headers["tidegate-flags"].to_str().unwrap().to_owned();
            assert_eq!(headers["baggage"], format!("tidegate.flag.{said}"));
            let is_on = said == "new-cart=on";
            on += u64::from(is_on);
            let outcome = if is_on { Outcome::ServerError } else { Outcome::Good };
            drawn.on_end(0, &HeaderValue::from_static("r2"), outcome, Duration::from_millis(1));
        }
        assert!((200..300).contains(&on), "{on} of 1,000");
        let report = rows.report("shop/production/web", &watch());
        let of = |variant: &str| report.iter().find(|row| row.variant == variant).unwrap();
        assert_eq!((of("on").outcomes.server_error, of("off").outcomes.good), (on, 1_000 - on));
        assert_eq!((of("on").bad.iter().sum::<u64>(), of("off").bad.iter().sum::<u64>()), (on, 0));
        assert_eq!(of("on").revision, tidegate_core::model::RevisionNo(2));
    }

    #[test]
    fn a_flag_is_told_further_after_its_guard_and_each_has_its_own_users() {
        let dir = tempfile::tempdir().unwrap();
        let (sets, _) = watched(dir.path(), &Arc::new(FlagRows::new(1)));
        let told = FlagWatch { told: true, ..watch() };
        let only_told = Watched::new("shop/production/web", &[told], &sets, |_| panic!("it is not counted"));
        let mut headers = HeaderMap::new();
        only_told.unwrap().draw(&Asked::get("/").with("x-user", "u1")).write(&mut headers);
        assert!(headers.contains_key("tidegate-flags"));

        let other = FlagWatch { user: vec![UserKey::Cookie("sid".into())], ..watch() };
        let rows = [Arc::new(FlagRows::new(1)), Arc::new(FlagRows::new(1))];
        let mut next = rows.iter();
        let both = Watched::new("shop/production/web", &[watch(), other.clone()], &sets, |_| {
            next.next().unwrap().clone()
        });
        let asked = Asked::get("/").with("x-user", "u1").with("cookie", "sid=s9");
        both.unwrap().draw(&asked).on_end(0, &HeaderValue::from_static("r1"), Outcome::Good, Duration::ZERO);
        for (rows, watch, user) in [(&rows[0], watch(), "u1"), (&rows[1], other, "s9")] {
            let report = rows.report("shop/production/web", &watch);
            assert_eq!(report[0].requests[usize::from(hash(user.as_bytes()) as u8)], 1, "{user}");
        }
    }

    #[test]
    fn whom_a_rule_says_something_of_is_told_and_not_counted() {
        let dir = tempfile::tempdir().unwrap();
        let rows = Arc::new(FlagRows::new(1));
        let text = r#"{"epoch":1,"sets":{"shop/production":{"flags":{"new-cart":{"state":"ENABLED",
            "variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[
                {"===":[{"if":[{"==":[{"var":"targetingKey"},"boss"]},"on"]},null]},
                {"fractional":[["on",25],["off",75]]},
                {"if":[{"==":[{"var":"targetingKey"},"boss"]},"on"]}]}}}}}}"#;
        let path = dir.path().join("flags.json");
        std::fs::write(&path, text).unwrap();
        let sets = Sets::of(path);
        let watched = Watched::new("shop/production/web", &[watch()], &sets, |_| rows.clone()).unwrap();
        let mut told = HeaderMap::new();
        for user in ["boss", "u1", "u2"] {
            let drawn = watched.draw(&Asked::get("/").with("x-user", user));
            told.clear();
            drawn.write(&mut told);
            assert!(told.contains_key("tidegate-flags"), "{user}");
            drawn.on_end(0, &HeaderValue::from_static("r1"), Outcome::Good, Duration::ZERO);
        }
        let report = rows.report("shop/production/web", &watch());
        assert_eq!(report.iter().map(|row| row.outcomes.good).sum::<u64>(), 2);
    }

    #[test]
    fn who_names_no_user_gets_nothing_and_no_word_in_our_name_passes() {
        let dir = tempfile::tempdir().unwrap();
        let rows = Arc::new(FlagRows::new(1));
        let (_sets, watched) = watched(dir.path(), &rows);
        let drawn = watched.draw(&Asked::get("/"));
        let mut headers = HeaderMap::new();
        headers.insert("baggage", HeaderValue::from_static("tidegate.flag.new-cart=on"));
        drawn.write(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
        drawn.on_end(0, &HeaderValue::from_static("r1"), Outcome::Good, Duration::ZERO);
        assert_eq!(rows.report("shop/production/web", &watch()), []);
    }

    const EXPERIMENT: &str = r#"{"epoch":1,"sets":{"shop/production":{"flags":{"cart":{"state":"ENABLED",
        "variants":{"on":true,"off":false,"staff":true},"defaultVariant":"off",
        "targeting":{"if":[{"in":[{"var":"targetingKey"},["ann"]]},"staff",{"fractional":[["on",1],["off",1]]}]}}}}},
        "experiments":{"shop/production":{"salt":"SALT","flags":{"cart":{"design":"d1","variants":["off","on"]}}}}}"#;

    #[test]
    fn whom_chance_gave_a_variant_of_an_experiment_is_told_and_whom_a_rule_did_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("flags.json");
        std::fs::write(&path, EXPERIMENT.replace("SALT", &"07".repeat(32))).unwrap();
        let ledger = Arc::new(Ledger::new(dir.path().to_owned(), 1));
        let sets = Sets::of(path.clone()).telling(ledger.clone());
        let watch = FlagWatch { flag: "cart".parse().unwrap(), by: None, experiment: true, ..watch() };
        let rows = Arc::new(FlagRows::new(1));
        let watched = Watched::new("shop/production/web", &[watch], &sets, |_| rows.clone()).unwrap();
        let ask = |user: &str| {
            let drawn = watched.draw(&Asked::get("/").with("x-user", user));
            let mut headers = HeaderMap::new();
            drawn.write(&mut headers);
            drawn.on_end(0, &HeaderValue::from_static("r1"), Outcome::Good, Duration::from_millis(3));
            headers["tidegate-flags"].to_str().unwrap().to_owned()
        };
        assert_eq!(ask("ann"), "cart=staff");
        let given = ask("bob");
        ask("bob");
        ledger.write("1-a").unwrap();
        let text = std::fs::read_to_string(dir.path().join("exposures/1-a-1.json")).unwrap();
        let report: tidegate_core::model::ExposureReport = serde_json::from_str(&text).unwrap();
        let [user] = report.experiments[0].users.as_slice() else { panic!("{text}") };
        assert_eq!((format!("cart={}", user.variant), user.requests), (given, 2));
        assert!(!text.contains("bob"), "{text}");

        // Off for everybody: the table still says that it is an experiment, and chance gives nobody anything.
        let killed =
            EXPERIMENT.replace("SALT", &"07".repeat(32)).replace(r#""targeting":{"if""#, r#""was":{"if""#);
        std::fs::write(&path, killed).unwrap();
        let again = Sets::of(path).telling(ledger.clone());
        let watch = FlagWatch { flag: "cart".parse().unwrap(), by: None, experiment: true, ..self::watch() };
        let watched = Watched::new("shop/production/web", &[watch], &again, |_| rows.clone()).unwrap();
        let drawn = watched.draw(&Asked::get("/").with("x-user", "bob"));
        drawn.on_end(0, &HeaderValue::from_static("r1"), Outcome::Good, Duration::ZERO);
        ledger.write("1-a").unwrap();
        assert!(!dir.path().join("exposures/1-a-2.json").exists());
    }
}
