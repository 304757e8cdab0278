//! Kill the control plane anywhere in a run: build, steps, what is between them, deploy, smoke test, verification, release. The run
//! goes on where it stood. No step is left out, none that ended is run again, and nothing is deployed twice.
//!
//! The witness is a journal that steps write to, outside of all that is killed.

mod shop;

use std::collections::VecDeque;
use std::process::Child;
use std::time::{Duration, Instant};

use tidegate_core::model::RunState;
use tidegate_core::view::{PipelineList, PipelineRunView, Status, TimelineEvent};

use crate::support::{LOOK, Load, Mix, Process, Tidegate, full, get};
use shop::{HOST, Shop};

/// How long anything here may take.
const LONG: Duration = Duration::from_secs(40);
/// Requests a second meanwhile.
const RATE: f64 = 40.0;
/// More moments than a run has: reaching it means that it never ends without a kill.
const MOST_MOMENTS: u64 = 600;
/// Control plane, gateway, and for the one instance its shim and its process.
const PROCESSES: usize = 4;

/// How a run and what it did look once it is over.
#[derive(Debug, PartialEq, Eq)]
struct Rest {
    state: RunState,
    /// Its stages, and how each ended.
    stages: Vec<String>,
    /// What users get, by how much of it is new.
    answer: String,
    /// What the steps wrote, the version left out.
    journal: Vec<String>,
    /// What happened since the push, sorted: the order of what goes on at the same time is left to chance.
    kinds: Vec<String>,
}

/// A Tidegate, an app whose pipeline writes a journal, and when the control plane is to be killed.
struct Place {
    tidegate: Tidegate,
    shop: Shop,
    url: String,
    /// How often it was killed at its moment.
    kills: u64,
    /// The moments at which its lives to come end; after them it lives.
    lives: VecDeque<u64>,
}

impl Place {
    fn new() -> Self {
        let (tidegate, shop) = (Tidegate::up(), Shop::new());
        let url = String::from_utf8(tidegate.run(&["git", "url", "shop"]).stdout).unwrap().trim().to_owned();
        let mut place = Place { tidegate, shop, url, kills: 0, lives: VecDeque::new() };
        assert_eq!(place.play().state, RunState::Succeeded, "{}", place.tidegate.story());
        place
    }

    /// Pushes the next version and waits until its run is over and nothing moves any more.
    fn play(&mut self) -> Rest {
        let since = self.tidegate.events().last().map_or(0, |event| event.seq);
        let version = self.shop.next_version();
        let commit = self.shop.commit();
        let mortal = !self.lives.is_empty();
        if mortal {
            self.tidegate.kill9_control();
            self.live_on();
        }
        let number = self.push(&commit).run.0;
        let run = self.until("the run is over", |place| {
            place.runs().into_iter().find(|run| run.run.0 == number && run.over)
        });
        self.at_rest();
        if mortal {
            // Nothing more is to happen to it, whatever it was to be killed at.
            self.lives.clear();
            self.tidegate.kill9_control();
            self.tidegate.restart();
        }
        let answer = get(self.tidegate.gateway(), HOST, "/version").unwrap().body;
        let stages = run.stages.iter().map(|stage| format!("{} {}", stage.name, stage.state.as_str()));
        let kinds = self.tidegate.events().into_iter().filter(|event| event.seq > since && tells(event));
        let mut kinds: Vec<String> = kinds.map(|event| event.kind).collect();
        kinds.sort();
        Rest {
            state: run.state,
            stages: stages.collect(),
            answer: answer.replace(&version.to_string(), "V"),
            journal: self.shop.journal(version),
            kinds,
        }
    }

    /// Starts the control plane, for its next life.
    fn live_on(&mut self) {
        loop {
            let Some(moment) = self.lives.pop_front() else {
                self.tidegate.restart();
                return;
            };
            if self.tidegate.restart_to_be_killed(moment) {
                return;
            }
            self.kills += 1;
        }
    }

    fn revive(&mut self) {
        if self.tidegate.control_ended() {
            self.kills += 1;
            self.live_on();
        }
    }

    /// Pushes until there is a run of the commit: a kill breaks the push off, before or after that.
    fn push(&mut self, commit: &str) -> PipelineRunView {
        let mut push: Option<Child> = None;
        let run = self.until("the push begins a run", |place| {
            let ended = push.as_mut().is_none_or(|push| push.try_wait().unwrap().is_some());
            let found = place.runs().into_iter().find(|run| run.commit.as_deref() == Some(commit));
            if found.is_none() && ended && place.tidegate.answers() {
                push = Some(place.shop.push(&place.url));
            }
            found
        });
        if let Some(mut push) = push {
            // It would tell of the run to its end; nobody listens here.
            push.kill().unwrap();
            push.wait().unwrap();
        }
        run
    }

    fn until<T>(&mut self, what: &str, mut look: impl FnMut(&mut Place) -> Option<T>) -> T {
        let until = Instant::now() + LONG;
        loop {
            self.revive();
            if let Some(found) = look(self) {
                return found;
            }
            assert!(Instant::now() < until, "{what}: not within {LONG:?}\n{}", self.tidegate.story());
            std::thread::sleep(LOOK);
        }
    }

    /// The runs; none where nobody answers just now.
    fn runs(&self) -> Vec<PipelineRunView> {
        let output = self.tidegate.run(&["pipeline", "list", "--json"]);
        serde_json::from_slice::<PipelineList>(&output.stdout).map(|list| list.runs).unwrap_or_default()
    }

    /// One instance, ready, of one revision; its processes and no others.
    fn at_rest(&mut self) {
        self.until("it is at rest", |place| {
            let output = place.tidegate.run(&["status", "--json"]);
            let status: Status = serde_json::from_slice(&output.stdout).ok()?;
            let service = status.services.into_iter().next()?;
            let stable = service.stable.as_ref()?;
            let settled = service.phase == "idle" && (stable.ready, stable.desired) == (1, 1);
            let alone = service.instances.len() == 1 && service.instances[0].restarts == 0;
            let processes = || Process::all_of(&place.tidegate.data()).len();
            (settled && alone && processes() == PROCESSES).then_some(())
        });
    }
}

/// What may happen more often, or not at all, where the control plane begins anew.
fn tells(event: &TimelineEvent) -> bool {
    !event.kind.starts_with("gateway.") && !event.kind.starts_with("platform.")
}

impl Tidegate {
    /// Whether somebody answers.
    fn answers(&self) -> bool {
        self.run(&["status", "--json"]).status.success()
    }
}

/// Plays until it ended once without a kill; each play is to end as one without any.
fn played(place: &mut Place, plays: impl Iterator<Item = Vec<u64>>) {
    let load = Load::start(&place.tidegate, HOST, RATE, Mix::Plain, None);
    let undisturbed = place.play();
    assert_eq!(undisturbed.journal, shop::WANTED, "{}", place.tidegate.story());
    assert_eq!(undisturbed.answer, "V\n");
    for lives in plays {
        let before = place.kills;
        place.lives = lives.into();
        let rest = place.play();
        assert_eq!(rest, undisturbed, "after {} kills\n{}", place.kills - before, place.tidegate.story());
        if place.kills == before {
            break; // it was over before that moment
        }
    }
    let report = load.finish();
    println!("{} kills\n{report}", place.kills);
    assert!(report.is_clean(), "after {} kills\n{report}", place.kills);
}

#[test]
fn the_control_plane_again_and_again_while_a_run_goes_on() {
    let mut place = Place::new();
    if full() {
        played(&mut place, (1..MOST_MOMENTS).map(|moment| vec![moment]));
        assert!(place.kills < MOST_MOMENTS - 2, "the run never ends without a kill");
        return;
    }
    // Short lives of many lengths, so that each play meets other moments.
    let lives = |first: u64| (0..24).map(|n| 9 + (first + 5 * n) % 11).collect();
    played(&mut place, [lives(0), lives(3)].into_iter());
    assert!(place.kills > 12, "only {} kills", place.kills);
}
