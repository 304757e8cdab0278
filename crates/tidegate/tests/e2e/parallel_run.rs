//! Candidates that get nothing but copies: their answers decide, and no user ever meets them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tidegate_core::model::ArmRole;
use tidegate_core::view::RolloutView;

use crate::support::{App, Tidegate, eventually, figures, get};

const HOST: &str = "bad.localhost";
const LONG: Duration = Duration::from_secs(90);
/// Between two requests of one user.
const PAUSE: Duration = Duration::from_millis(10);
const USERS: usize = 2;

/// Users who ask for the price again and again.
struct Users {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Duration>>>,
    answered: Arc<AtomicU64>,
}

impl Users {
    fn begin(tidegate: &Tidegate) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let gateway = tidegate.gateway();
        let user = |_| {
            let (stop, answered) = (stop.clone(), answered.clone());
            std::thread::spawn(move || {
                let mut times = Vec::new();
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let answer = get(gateway, HOST, "/price").unwrap();
                    times.push(begun.elapsed());
                    assert_eq!(answer.status, 200);
                    // Every user gets stable's price, whatever the candidate's is.
                    assert!(answer.body.contains("\"price\": \"10\""), "{}", answer.body);
                    answered.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(PAUSE);
                }
                times
            })
        };
        let threads = (0..USERS).map(user).collect();
        Users { stop, threads, answered }
    }

    /// The times of their requests, sorted.
    fn end(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        let mut times: Vec<Duration> =
            self.threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        times.sort();
        times
    }
}

/// The first version serves, the second gets copies.
fn copying(options: &str, second: impl FnOnce(&mut App) -> &mut App) -> (Tidegate, App, Users) {
    let (tidegate, mut app) = (Tidegate::up(), App::new());
    app.set("strategy", &format!("{{ parallel-run: {{ bake: 1s, {options} }} }}"));
    tidegate.deploy_well(&app);
    let users = Users::begin(&tidegate);
    eventually("users are answered", LONG, || (users.answered.load(Ordering::Relaxed) > 20).then_some(()));
    second(app.next_version());
    tidegate.deploy_begin(&app);
    (tidegate, app, users)
}

fn ends(tidegate: &Tidegate, phase: &str) -> RolloutView {
    eventually(&format!("it is {phase}"), LONG, || {
        let view = tidegate.rollout();
        let over = ["succeeded", "aborted", "failed", "paused"].contains(&view.phase.as_str());
        assert!(!over || view.phase == phase || view.id.0 == 1, "{view:?}\n{}", tidegate.story());
        (view.phase == phase && view.id.0 > 1).then_some(view)
    })
}

#[test]
fn a_candidate_that_answers_otherwise_is_taken_back_and_no_user_meets_it() {
    let options = "for: 1s, max: 80s, compare: { ignore: [at] }";
    let (tidegate, _app, users) = copying(options, |app| app.env("PRICE", "12"));
    let view = ends(&tidegate, "aborted");
    let times = users.end();
    assert_eq!(view.code.as_deref(), Some("answers-differ"), "{}", tidegate.story());
    let reason = view.reason.clone().unwrap();
    assert!(reason.ends_with("like GET /price: 200 (body.price)"), "{reason}");
    let compared = view.judgement.clone().unwrap().comparison.unwrap();
    assert_eq!((compared.differing, compared.stable_differing), (compared.compared, 0));
    assert!(compared.samples.iter().all(|it| it.path == "/price" && it.differs == ["body.price"]));
    let candidate = view.arms.iter().find(|arm| arm.role == ArmRole::Candidate);
    assert_eq!(candidate.map_or(0, |arm| arm.requests), 0, "copies are nobody's requests");
    // Whoever has the proof comes to the same verdict, without the server.
    let folder = TempDir::new().unwrap();
    let proof = folder.path().join("proof.json");
    std::fs::write(&proof, tidegate.run(&["rollout", "export", "web"]).stdout).unwrap();
    let replayed = tidegate.run(&["judge", "replay", proof.to_str().unwrap(), "--json"]);
    let said: serde_json::Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!((&said["verdict"], &said["candidate_bad"]), (&"abort".into(), &compared.differing.into()));
    let shown = String::from_utf8(tidegate.run(&["rollout", "show", "web"]).stdout).unwrap();
    assert!(shown.contains("differs    GET /price: 200 to 200 (body.price)"), "{shown}");
    let at = |percent: usize| format!("{:?}", times[times.len() * percent / 100]);
    figures::show(&["other prices".to_owned(), compared.compared.to_string(), at(50), at(99)]);
}

#[test]
fn a_candidate_that_answers_alike_gets_everything() {
    let options = "for: 2s, max: 80s, max_differing: 2%, compare: { ignore: [at] }";
    let (tidegate, _app, users) = copying(options, |app| app);
    let view = ends(&tidegate, "succeeded");
    users.end();
    let compared = view.judgement.unwrap().comparison.unwrap();
    assert_eq!((compared.differing, compared.stable_differing), (0, 0), "{}", tidegate.story());
    assert!(compared.compared > 100, "{compared:?}");
    assert_eq!(get(tidegate.gateway(), HOST, "/version").unwrap().body, "2\n");
}

/// What the answers of both revisions differ in by themselves, here a time in each of them, is nobody's fault.
#[test]
fn noise_takes_nobody_back_and_what_it_hides_is_inconclusive() {
    let (tidegate, _app, users) = copying("for: 1s, max: 14s", |app| app);
    let noisy = eventually("noise is seen", LONG, || {
        let compared = tidegate.rollout().judgement?.comparison?;
        (compared.stable_differing > 50).then_some(compared)
    });
    assert_eq!((noisy.differing, noisy.stable_differing), (noisy.compared, noisy.compared));
    assert!(noisy.samples.is_empty(), "{noisy:?}");
    users.end();
    let view = ends(&tidegate, "paused");
    assert!(view.waiting.iter().any(|line| line.contains("nothing was decided within 14s")), "{view:?}");
    assert_eq!(view.judgement.unwrap().verdict, "continue");
}
