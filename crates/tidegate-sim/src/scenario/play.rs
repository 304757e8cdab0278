//! Plays a script and writes its session down: each command, and what the timeline said after it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tidegate_core::model::{Request, ServiceKey, ServiceSpec};
use tidegate_core::time::Millis;

use super::{Command, parse};
use crate::ask::{self, DeployPlan};
use crate::log::Log;
use crate::sim::Sim;
use crate::story::{Act, Faults};

const REFUSED: &str = "it was refused";
const APP: &str = "shop";
const PATIENCE: Millis = Millis::seconds(120);

/// Plays a script; the session, as it is kept beside it.
///
/// # Errors
/// A line that is not understood, an expectation that is not met, a broken invariant; with the session so far.
pub fn play(text: &str) -> Result<String, String> {
    let mut player = Player::new()?;
    for (line, command) in parse(text)? {
        let _ = writeln!(player.session, "$ {line}");
        let done = player.run(&command);
        player.show_timeline();
        done.map_err(|error| format!("{}\nFAILED `{line}`: {error}", player.session))?;
    }
    player.finish().map_err(|error| format!("{}\nFAILED at rest: {error}", player.session))?;
    Ok(player.session)
}

struct Player {
    sim: Sim,
    log: Log,
    shown: usize,
    session: String,
    last: ServiceKey,
    beside: BTreeMap<String, ServiceSpec>,
    trains: BTreeMap<String, Vec<String>>,
}

impl Player {
    fn new() -> Result<Self, String> {
        let log = Log::new(true);
        let sim = Sim::new(1, Faults::None, log.clone()).map_err(|error| error.to_string())?;
        Ok(Player {
            sim,
            log,
            shown: 0,
            session: String::new(),
            last: ask::key(APP, "web"),
            beside: BTreeMap::new(),
            trains: BTreeMap::new(),
        })
    }

    fn run(&mut self, command: &Command) -> Result<(), String> {
        let key = self.last.clone();
        match command {
            Command::Deploy { revision, service, spec, build, migrate } => {
                self.last = ask::key(APP, service);
                let plan = DeployPlan {
                    app: APP.to_owned(),
                    snapshot: revision.clone(),
                    build: build.clone(),
                    migrate: migrate.clone(),
                    services: self.with_those_beside(service, spec),
                    jobs: BTreeMap::new(),
                    trains: self.trains.clone(),
                };
                if spec.has_port() {
                    self.sim.send_requests_to(std::slice::from_ref(&self.last));
                }
                self.act(&Act::Deploy(Box::new(plan)))
            }
            Command::Beside(service, spec) => {
                self.sim.send_requests_to(&[ask::key(APP, service)]);
                self.beside.insert(service.clone(), (**spec).clone());
                Ok(())
            }
            Command::Train(name, order) => {
                self.trains.insert(name.clone(), order.clone());
                Ok(())
            }
            Command::Ask(request) => self.ask(key, *request),
            Command::Rollback => self.act(&Act::Rollback(key)),
            Command::Retry => self.act(&Act::Retry(key)),
            Command::Scale(instances) => self.act(&Act::Scale(key, *instances)),
            Command::Wait(span) => self.wait(*span, |_| false).map(drop),
            Command::WaitRest => {
                self.wait(Millis::seconds(1), |_| false)?;
                self.wait_for(Sim::is_at_rest)
            }
            Command::WaitPhase(phase) => {
                self.wait_for(|sim| sim.view.active.iter().any(|rollout| rollout.phase == *phase))
            }
            Command::Crash(times) => self.sim.crash_now(*times).map_err(|v| format!("{v:?}")),
            Command::Kill => self.kill(&key),
            Command::Judge => {
                self.sim.gateway.count();
                Ok(())
            }
            Command::Traffic(times) => {
                self.sim.rush = (*times).max(1);
                Ok(())
            }
            Command::Outage(span) => {
                self.sim.gateway.break_for(*span);
                Ok(())
            }
            Command::Cannot(asked) => match self.run(asked) {
                Ok(()) => Err("it was done".to_owned()),
                Err(error) if error == REFUSED => Ok(()),
                Err(error) => Err(error),
            },
            Command::Prune => self.prune(&key),
            Command::Suffer(fault) => {
                self.sim.suffer(*fault);
                Ok(())
            }
            Command::Expect(service, values) => self.expect(&ask::key(APP, service), values),
        }
    }

    fn with_those_beside(&mut self, service: &str, spec: &ServiceSpec) -> BTreeMap<String, ServiceSpec> {
        let mut services = std::mem::take(&mut self.beside);
        services.insert(service.to_owned(), spec.clone());
        services
    }

    fn ask(&mut self, key: ServiceKey, request: Request) -> Result<(), String> {
        self.act(&Act::Ask(key, request))
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        let done = self.sim.act(act).map_err(|error| error.to_string())?;
        if done { Ok(()) } else { Err(REFUSED.to_owned()) }
    }

    fn wait(&mut self, span: Millis, done: impl FnMut(&mut Sim) -> bool) -> Result<bool, String> {
        self.sim.run_until(span, done).map_err(|violation| format!("{violation:?}"))
    }

    fn wait_for(&mut self, done: impl FnMut(&mut Sim) -> bool) -> Result<(), String> {
        if self.wait(PATIENCE, done)? { Ok(()) } else { Err(format!("it was not so within {PATIENCE}")) }
    }

    fn kill(&mut self, key: &ServiceKey) -> Result<(), String> {
        let service = self.sim.view.services.get(key).ok_or("there is no such service")?;
        let id = service.at_work().first().map(|id| (*id).clone()).ok_or("nothing is at work")?;
        self.sim.kill(&id);
        Ok(())
    }

    fn prune(&mut self, key: &ServiceKey) -> Result<(), String> {
        let done = ask::prune_previous(&mut self.sim.store, key).map_err(|error| error.to_string())?;
        if done { Ok(()) } else { Err("there is no build to remove".to_owned()) }
    }

    fn expect(&mut self, key: &ServiceKey, values: &BTreeMap<String, String>) -> Result<(), String> {
        let service = self.sim.view.services.get(key).ok_or("there is no such service")?;
        let last = self.sim.store.rollouts_of(key, 1).map_err(|error| error.to_string())?.pop();
        let none = || "none".to_owned();
        for (name, wanted) in values {
            let found = match name.as_str() {
                "phase" => last.as_ref().map_or_else(none, |rollout| rollout.phase.to_string()),
                "cause" => {
                    last.as_ref().and_then(|r| r.cause.as_ref()).map_or_else(none, |cause| cause.code.clone())
                }
                "stable" => service.state.stable.map_or_else(none, |revision| revision.to_string()),
                "instances" => service.instances.len().to_string(),
                "at-work" => service.at_work().len().to_string(),
                "candidate" => format!("{}%", service.state.routing.candidate_weight()),
                _ => return Err(format!("`{name}` cannot be expected")),
            };
            if found != *wanted {
                return Err(format!("{name} is {found}"));
            }
        }
        Ok(())
    }

    /// Every scenario ends at rest, with no request lost.
    fn finish(&mut self) -> Result<(), String> {
        self.sim.come_to_rest().map_err(|violation| format!("{violation:?}"))?;
        self.show_timeline();
        let requests = self.sim.gateway.requests();
        let lost =
            if requests.sent > requests.answered + requests.excused { "some lost" } else { "none lost" };
        let _ = writeln!(self.session, "requests: {lost}");
        Ok(())
    }

    fn show_timeline(&mut self) {
        let lines = self.log.lines();
        for line in lines.iter().skip(self.shown) {
            // Events are indented in the log: effects and faults are not part of the session.
            let (time, what) = line.split_at(line.find(' ').filter(|at| *at > 0).unwrap_or(0).max(8));
            if let Some(event) = what.strip_prefix("   ") {
                let _ = writeln!(self.session, "  {} {event}", time.trim());
            }
        }
        self.shown = lines.len();
    }
}
