//! One unit being watched: its connection to the shim, its probes, its end.

use std::os::unix::net::UnixStream;
use std::process::Child;

use tidegate_core::health::probe::{Prober, Which};
use tidegate_core::model::{Check, Exit, Health, InstanceId, Probes};
use tidegate_core::time::{Millis, Moment};
use tidegate_os::lock::holder;
use tidegate_os::process::kill;
use tidegate_os::socket;

use super::ask::{Answer, Ask, bad};
use crate::process::message::{FromShim, Inbox, ToShim, send};
use crate::process::place::Place;
use crate::process::sweep::{SHIM_KILLED, sweep};

const SIGKILL: i32 = 9;
/// A shim that has closed its connection and still lives is looked at again this soon, in milliseconds.
const LOOK_AGAIN_MS: u64 = 5;
/// A command probe's shim gets this long to say that the time was over before we say so.
const SHIM_SLACK_MS: u64 = 1_000;

/// A unit that has not been forgotten.
pub(in crate::process) struct Watched {
    pub(in crate::process) id: InstanceId,
    pub(in crate::process) generation: u64,
    pub(in crate::process) place: Place,
    pub(in crate::process) port: Option<u16>,
    pub(in crate::process) probes: Option<Probes>,
    /// The shim, where this process started it.
    pub(in crate::process) child: Option<Child>,
    pub(in crate::process) link: Option<UnixStream>,
    /// Whether something has come in over the link since it was last read.
    pub(super) link_ready: bool,
    inbox: Inbox,
    outbox: Vec<ToShim>,
    prober: Option<Prober>,
    asking: Option<Asking>,
    serial: u64,
    /// When the shim is killed for not having ended the unit.
    overdue_ms: Option<u64>,
    /// When to look again whether the shim still lives, while there is no connection.
    look_ms: Option<u64>,
    pub(super) forgotten: bool,
    ended: bool,
    was_ready: bool,
}

struct Asking {
    which: Which,
    how: How,
    timeout: Millis,
    until_ms: u64,
}

enum How {
    Socket(Ask),
    Command(u64),
}

/// What is new of a unit.
pub(super) enum News {
    Running(u32),
    Flooding(bool),
    Health(Health),
    Answered(Which, Answer),
    Ended(Exit),
}

impl Watched {
    pub(in crate::process) fn new(id: InstanceId, generation: u64, place: Place) -> Watched {
        let was_ready = place.was_ready();
        Watched {
            id,
            generation,
            place,
            port: None,
            probes: None,
            child: None,
            link: None,
            link_ready: false,
            inbox: Inbox::default(),
            outbox: Vec::new(),
            prober: None,
            asking: None,
            serial: 0,
            overdue_ms: None,
            look_ms: Some(0),
            forgotten: false,
            ended: false,
            was_ready,
        }
    }

    /// One found with its end recorded.
    pub(in crate::process) fn over(mut self) -> Watched {
        self.ended = true;
        self
    }

    pub(super) fn is_over(&self) -> bool {
        self.ended
    }

    pub(super) fn ask_in_flight(&self) -> Option<&Ask> {
        match &self.asking.as_ref()?.how {
            How::Socket(ask) => Some(ask),
            How::Command(_) => None,
        }
    }

    pub(super) fn send(&mut self, message: ToShim, within_ms: u64, now_ms: u64) {
        self.outbox.push(message);
        let overdue = now_ms.saturating_add(within_ms);
        self.overdue_ms = Some(self.overdue_ms.map_or(overdue, |known| known.min(overdue)));
    }

    /// What the shim said, and whether it still lives.
    pub(super) fn on_link(&mut self, now_ms: u64) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(link) = self.link.as_ref().filter(|_| std::mem::take(&mut self.link_ready)) {
            let (messages, open) = self.inbox.receive(link);
            for message in messages {
                news.extend(self.on_message(message, now_ms));
            }
            if !open {
                self.link = None;
                self.look_ms = Some(now_ms);
            }
        }
        if !self.ended && self.link.is_none() && self.look_ms.is_some_and(|at| at <= now_ms) {
            news.extend(self.look(now_ms));
        }
        self.flush();
        news
    }

    fn on_message(&mut self, message: FromShim, now_ms: u64) -> Vec<News> {
        match message {
            FromShim::Running { pid, started_ms, flooding } => {
                if self.prober.is_none()
                    && let Some(probes) = self.probes.clone()
                {
                    let born = Moment(started_ms);
                    self.prober = Some(Prober::new(probes, self.port.is_some(), born, self.was_ready));
                }
                let health = self.health(now_ms).map(News::Health);
                [Some(News::Running(pid)), Some(News::Flooding(flooding)), health]
                    .into_iter()
                    .flatten()
                    .collect()
            }
            FromShim::Ended(exit) => vec![self.end(exit)],
            FromShim::Checked { serial, good, answer } => {
                let Some(Asking { which, how: How::Command(asked), .. }) = &self.asking else {
                    return Vec::new();
                };
                if *asked != serial {
                    return Vec::new();
                }
                let which = *which;
                self.on_answer(which, Answer { good, words: answer }, now_ms)
            }
        }
    }

    /// No connection: connects again, or learns that the shim is dead.
    fn look(&mut self, now_ms: u64) -> Option<News> {
        if holder(&self.place.lock()).is_none() {
            let exit = self.place.exit().unwrap_or_else(|| self.bury());
            return Some(self.end(exit));
        }
        let connected = socket::connect(&self.place.socket());
        match connected.and_then(|link| link.set_nonblocking(true).map(|()| link)) {
            Ok(link) => {
                self.inbox = Inbox::default();
                self.link = Some(link);
                self.look_ms = None;
            }
            Err(_) => self.look_ms = Some(now_ms + LOOK_AGAIN_MS),
        }
        None
    }

    /// The shim was killed: nothing of the unit may go on unseen, and the next control plane is to know.
    fn bury(&self) -> Exit {
        sweep(&self.place);
        let exit = Exit::trouble(SHIM_KILLED);
        if let Err(error) = self.place.write_exit(&exit) {
            tracing::warn!(unit = %self.id, %error, "end not recorded");
        }
        exit
    }

    fn end(&mut self, exit: Exit) -> News {
        self.ended = true;
        self.prober = None;
        self.asking = None;
        self.overdue_ms = None;
        News::Ended(exit)
    }

    pub(super) fn flush(&mut self) {
        let Some(link) = &self.link else { return };
        for message in std::mem::take(&mut self.outbox) {
            // Where this fails the shim is gone; the next look says so.
            let _ = send(link, &message);
        }
    }

    /// Goes on with the probe in flight, or asks the next one.
    pub(super) fn on_probe(&mut self, now_ms: u64) -> (Vec<News>, Option<Ask>) {
        if let Some(asking) = &mut self.asking {
            let which = asking.which;
            let answer = match &mut asking.how {
                How::Socket(ask) => ask.step(),
                How::Command(_) => None,
            };
            let late = (asking.until_ms <= now_ms).then(|| bad(format!("no answer in {}", asking.timeout)));
            let Some(answer) = answer.or(late) else { return (Vec::new(), None) };
            let done = self.asking.take();
            let lingering = done.and_then(|asking| match asking.how {
                How::Socket(ask) => Some(ask),
                How::Command(_) => None,
            });
            return (self.on_answer(which, answer, now_ms), lingering);
        }
        (self.ask_next(now_ms), None)
    }

    fn ask_next(&mut self, now_ms: u64) -> Vec<News> {
        let now = Moment(now_ms);
        let due = self.prober.as_ref().and_then(|prober| prober.due(now));
        let Some((which, probe)) = due.map(|(which, probe)| (which, probe.clone())) else {
            return self.health(now_ms).map(News::Health).into_iter().collect();
        };
        let begun = match &probe.check {
            Check::Http(path) => self.dial(Some(path.clone())),
            Check::Tcp => self.dial(None),
            Check::Command(command) => Ok(self.command(command, probe.timeout)),
        };
        match begun {
            Ok(how) => {
                let slack = if matches!(how, How::Command(_)) { SHIM_SLACK_MS } else { 0 };
                let until_ms = now_ms.saturating_add(probe.timeout.0).saturating_add(slack);
                self.asking = Some(Asking { which, how, timeout: probe.timeout, until_ms });
                Vec::new()
            }
            Err(answer) => self.on_answer(which, answer, now_ms),
        }
    }

    fn dial(&self, path: Option<String>) -> Result<How, Answer> {
        let port = self.port.ok_or_else(|| bad("it has no port to ask on".to_owned()))?;
        Ask::begin(port, path).map(How::Socket)
    }

    fn command(&mut self, command: &str, timeout: Millis) -> How {
        self.serial += 1;
        self.outbox.push(ToShim::Check {
            serial: self.serial,
            command: command.to_owned(),
            timeout_ms: timeout.0,
        });
        self.flush();
        How::Command(self.serial)
    }

    fn on_answer(&mut self, which: Which, answer: Answer, now_ms: u64) -> Vec<News> {
        self.asking = None;
        if let Some(prober) = &mut self.prober {
            prober.on_answer(which, answer.good, Moment(now_ms));
        }
        let answered = News::Answered(which, answer);
        [Some(answered), self.health(now_ms).map(News::Health)].into_iter().flatten().collect()
    }

    /// What the probes say, remembered for the next control plane.
    fn health(&mut self, now_ms: u64) -> Option<Health> {
        let health = self.prober.as_ref()?.health(Moment(now_ms));
        if health.ready != self.was_ready {
            self.was_ready = health.ready;
            self.place.mark_ready(health.ready);
        }
        Some(health)
    }

    /// When there is something to do without anything having come in.
    pub(super) fn deadline_ms(&self, now_ms: u64) -> Option<u64> {
        if self.ended {
            return None;
        }
        let probe = match &self.asking {
            Some(asking) => Some(asking.until_ms),
            None => {
                self.prober.as_ref().and_then(|prober| prober.next_deadline(Moment(now_ms))).map(|at| at.0)
            }
        };
        let look = self.look_ms.filter(|_| self.link.is_none());
        [probe, look, self.overdue_ms].into_iter().flatten().min()
    }

    /// A shim that has not ended its unit in time is ended itself; what it leaves is swept up when it is seen dead.
    pub(super) fn on_time(&mut self, now_ms: u64) {
        if self.overdue_ms.is_some_and(|at| at <= now_ms) {
            self.overdue_ms = None;
            if let Some(shim) = holder(&self.place.lock()) {
                tracing::warn!(unit = %self.id, shim, "shim killed: it did not end its unit in time");
                let _ = kill(shim, SIGKILL);
            }
        }
    }
}
