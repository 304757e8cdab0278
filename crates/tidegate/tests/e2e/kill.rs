//! Kill anything at any moment: the state after a restart is the state that would have been without the kill.

use std::time::{Duration, Instant};

use tidegate_core::view::{ServiceStatus, TimelineEvent};

use crate::support::{App, Load, Mix, Process, Tidegate, full, get};

const HOST: &str = "bad.localhost";
/// Requests a second meanwhile.
const RATE: f64 = 60.0;
/// How long anything here may take.
const LONG: Duration = Duration::from_secs(30);
/// More moments than any story has: reaching it means that the story never ends without a kill.
const MOST_MOMENTS: u64 = 400;
/// Control plane, gateway, and for each of two instances its shim and its process.
const PROCESSES: usize = 6;

/// A service at rest.
#[derive(Debug, PartialEq, Eq)]
struct Rest {
    /// What the app says it is.
    answer: String,
    /// What happened since the story began, sorted: the order of two instances is left to chance.
    kinds: Vec<String>,
}

/// A Tidegate and an app that goes from version to version quickly.
struct Place {
    tidegate: Tidegate,
    app: App,
    /// How often the control plane was killed at its moment.
    kills: u64,
}

impl Place {
    fn new(bake: &str) -> Self {
        let mut app = App::new();
        app.set("strategy", &format!("{{ blue-green: {{ bake: {bake} }} }}"));
        app.set("startup", "{ http: /up, every: 100ms, within: 20s }")
            .set("ready", "{ http: /up, every: 100ms }");
        let tidegate = Tidegate::up();
        tidegate.deploy_well(&app);
        Place { tidegate, app, kills: 0 }
    }

    fn last_event(&self) -> u64 {
        self.tidegate.events().last().map_or(0, |event| event.seq)
    }

    fn events_since(&self, seq: u64) -> Vec<TimelineEvent> {
        self.tidegate.events().into_iter().filter(|event| event.seq > seq).collect()
    }

    /// Asks with a command until an event says that it was taken in, restarting whatever was killed meanwhile.
    fn insist(&mut self, since: u64, args: &[&str], taken_in: &str) {
        let until = Instant::now() + LONG;
        loop {
            if args[0] == "deploy" {
                let _ = self.tidegate.command(args).arg(self.app.path()).output().unwrap();
            } else {
                let _ = self.tidegate.run(args);
            }
            self.revive();
            if self.events_since(since).iter().any(|event| event.kind == taken_in) {
                return;
            }
            assert!(Instant::now() < until, "`{args:?}` was not taken in\n{}", self.tidegate.story());
        }
    }

    fn revive(&mut self) {
        if self.tidegate.control_ended() {
            self.kills += 1;
            self.tidegate.restart();
        }
    }

    /// Waits until this has happened and nothing moves any more, over a kill.
    fn rest(&mut self, since: u64, over: &str) -> Rest {
        let until = Instant::now() + LONG;
        let service = loop {
            self.revive();
            let output = self.tidegate.run(&["status", "--json"]);
            let status = serde_json::from_slice::<tidegate_core::view::Status>(&output.stdout).ok();
            let service = status.and_then(|status| status.services.into_iter().next());
            let is_over = self.events_since(since).iter().any(|event| event.kind == over);
            if let Some(service) = service.filter(is_at_rest).filter(|_| is_over) {
                break service;
            }
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(Instant::now() < until, "no rest: {said}\n{}", self.tidegate.story());
        };
        self.nothing_doubled(&service);
        let answer = get(self.tidegate.gateway(), HOST, "/version").unwrap().body;
        let kinds = self.events_since(since).into_iter().map(|event| event.kind);
        // Said once of each migration, so by the first play alone.
        let mut kinds: Vec<_> = kinds.filter(|kind| kind != "migration.stays").collect();
        kinds.sort();
        Rest { answer, kinds }
    }

    fn nothing_doubled(&self, service: &ServiceStatus) {
        assert!(service.instances.iter().all(|instance| instance.restarts == 0), "{service:#?}");
        let data = self.tidegate.data();
        let until = Instant::now() + LONG;
        let mut processes = Process::all_of(&data);
        while processes.len() != PROCESSES && Instant::now() < until {
            processes = Process::all_of(&data);
        }
        assert_eq!(processes.len(), PROCESSES, "{processes:#?}\n{}", self.tidegate.story());
        for instance in &service.instances {
            assert!(processes.iter().any(|process| Some(process.pid) == instance.pid), "{service:#?}");
        }
    }
}

fn is_at_rest(service: &ServiceStatus) -> bool {
    let stable = service.stable.as_ref();
    let of_stable = |revision| stable.is_some_and(|stable| stable.revision == revision);
    service.phase == "idle"
        && stable.is_some_and(|stable| (stable.ready, stable.desired) == (2, 2))
        && service.instances.len() == 2
        && service.instances.iter().all(|instance| of_stable(instance.revision) && instance.state == "ready")
}

/// Plays a story again and again, each time with the control plane killed one moment later (in short, two), until it ends
/// without a kill.
/// `prepare` brings the service to where the story begins; `play` begins it and says what the app has to answer then.
fn killed_at_every_moment(
    mut place: Place,
    mut prepare: impl FnMut(&mut Place),
    mut play: impl FnMut(&mut Place, u64) -> String,
    over: &str,
) {
    let load = Load::start(&place.tidegate, HOST, RATE, Mix::Plain, None);
    prepare(&mut place);
    let since = place.last_event();
    let expected = play(&mut place, since);
    let undisturbed = place.rest(since, over);
    assert_eq!(undisturbed.answer, expected);
    let stride = if full() { 1 } else { 2 };
    for moment in (1..MOST_MOMENTS).step_by(stride) {
        let kills = place.kills;
        prepare(&mut place);
        let since = place.last_event();
        place.tidegate.kill9_control();
        if !place.tidegate.restart_to_be_killed(moment) {
            place.kills += 1;
            place.tidegate.restart();
        }
        let expected = play(&mut place, since);
        let rest = place.rest(since, over);
        let story = || format!("killed at moment {moment}\n{}", place.tidegate.story());
        assert_eq!(rest.answer, expected, "{}", story());
        assert_eq!(rest.kinds, undisturbed.kinds, "{}", story());
        if place.kills == kills {
            break; // the story was over before that moment
        }
    }
    // The last one is still to be killed at a moment that may be of its end.
    place.tidegate.kill9_control();
    place.tidegate.restart();
    assert!(place.kills * (stride as u64) < MOST_MOMENTS - 2, "the story never ends without a kill");
    let report = load.finish();
    println!("{} kills\n{report}", place.kills);
    assert!(report.is_clean(), "after {} kills\n{report}", place.kills);
}

#[test]
fn the_control_plane_at_every_moment_of_a_rollout() {
    killed_at_every_moment(
        Place::new("200ms"),
        |place| {
            place.app.next_version();
        },
        |place, since| {
            place.insist(since, &["deploy"], "deploy.started");
            format!("{}\n", place.app.version())
        },
        "rollout.succeeded",
    );
}

#[test]
fn the_control_plane_at_every_moment_of_an_abort() {
    let mut place = Place::new("60s");
    place.app.next_version();
    place.tidegate.deploy_begin(&place.app);
    let mut first = true;
    killed_at_every_moment(
        place,
        |place| {
            if !std::mem::take(&mut first) {
                assert!(place.tidegate.run(&["rollout", "retry", "web"]).status.success());
            }
            place.tidegate.wait_for("the candidate has the traffic", LONG, |service| {
                service.phase == "promoting" && service.weight == 100
            });
        },
        |place, since| {
            place.insist(since, &["rollout", "abort", "web"], "rollout.asked");
            "1\n".to_owned()
        },
        "rollout.aborted",
    );
}

#[test]
fn the_control_plane_at_every_moment_of_a_rollback() {
    let mut place = Place::new("200ms");
    place.app.next_version();
    place.tidegate.deploy_well(&place.app);
    place.rest(0, "instance.stopped");
    let mut now = 2;
    killed_at_every_moment(
        place,
        |_| {},
        |place, since| {
            place.insist(since, &["rollback", "web"], "rollout.started");
            now = 3 - now;
            format!("{now}\n")
        },
        "rollout.succeeded",
    );
}
