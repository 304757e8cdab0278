//! The life of one unit: start, watch, end, record.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::process::Child;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tidegate_core::model::Exit;
use tidegate_core::redact::Redactor;
use tidegate_os::clock::boot_ms;
use tidegate_os::process::{NoChildren, Reaped, Signals, reap, start_time};

use super::capture::Capture;
use super::checks::Checks;
use super::child::Starter;
use super::clients::Clients;
use super::disk::Disk;
use super::ending::Ending;
use crate::Sealed;
use crate::process::cgroup::Group;
use crate::process::environment;
use crate::process::log::{Journal, Stream};
use crate::process::message::{FromShim, ToShim};
use crate::process::place::Place;
use crate::process::spec::{Main, ShimSpec};

/// How long a record that the disk refused waits for the next try, in milliseconds.
const RECORD_AGAIN_MS: u64 = 500;

/// A unit while it runs and ends.
pub(super) struct Life {
    place: Place,
    signals: Signals,
    clients: Clients,
    capture: Capture,
    checks: Checks,
    unit: Result<Unit, Exit>,
}

struct Unit {
    starter: Starter,
    main: Main,
    ending: Ending,
    exit: Option<Exit>,
    disk: Option<Disk>,
    /// Why it is ended, where it took more than it may.
    why: Option<String>,
}

impl Life {
    /// Starts the unit. Where that fails there is still a life: one that has ended with that trouble.
    pub(super) fn begin(
        place: Place,
        spec: ShimSpec,
        signals: Signals,
        listener: UnixListener,
    ) -> io::Result<Life> {
        let mut capture = Capture::new(Journal::open(spec.log.clone()));
        let mut clients = Clients::new(listener);
        let unit = unsealed(spec, &mut clients, &mut capture)
            .and_then(|spec| start(&place, spec, &mut capture))
            .map_err(|error| Exit::trouble(format!("its process could not be started: {error}")));
        Ok(Life { place, signals, clients, capture, checks: Checks::default(), unit })
    }

    /// Until it is over and recorded.
    pub(super) fn live(mut self) {
        let mut told = false;
        while let Ok(unit) = &self.unit {
            let flooding = self.capture.flooding();
            let Main { pid, started_ms, .. } = unit.main;
            let state = FromShim::Running { pid, started_ms, flooding };
            if std::mem::replace(&mut told, flooding) != flooding {
                self.clients.tell(&state);
            }
            self.clients.accept(&state);
            self.wait();
            self.step(boot_ms());
        }
        if let Err(exit) = std::mem::replace(&mut self.unit, Err(Exit::default())) {
            self.record(exit);
        }
    }

    fn step(&mut self, now_ms: u64) {
        self.capture.read(now_ms);
        for message in self.clients.receive() {
            self.on_message(message, now_ms);
        }
        if self.signals.take()
            && let Ok(unit) = &mut self.unit
        {
            let stop = unit.starter.spec().unit.stop;
            unit.ending.on_stop(unit.main.pid, stop.signal, stop.grace.0, now_ms);
        }
        for answer in self.checks.on_time(now_ms) {
            self.clients.tell(&answer);
        }
        let over = self.reap_all(now_ms).is_err();
        let Ok(unit) = &mut self.unit else { return };
        if over {
            let exit = unit.exit.take().unwrap_or_else(|| Exit::trouble("its main process vanished"));
            if let Some(said) = met(unit) {
                self.capture.journal().note(&said);
            }
            finish(unit);
            self.capture.finish(now_ms);
            self.unit = Err(exit);
        } else {
            unit.mind_the_disk(now_ms);
            unit.ending.on_time(unit.main.pid, &unit.starter.groups, now_ms);
        }
    }

    fn on_message(&mut self, message: ToShim, now_ms: u64) {
        let Ok(unit) = &mut self.unit else { return };
        match message {
            ToShim::Stop { signal, grace_ms } => unit.ending.on_stop(unit.main.pid, signal, grace_ms, now_ms),
            ToShim::Kill => unit.ending.on_kill(now_ms),
            // Said once, before we ran: too late now.
            ToShim::Sealed(_) => {}
            ToShim::Check { serial, command, timeout_ms } => {
                if let Some(answer) = self.checks.start(&unit.starter, (serial, &command, timeout_ms), now_ms)
                {
                    self.clients.tell(&answer);
                }
            }
        }
    }

    fn reap_all(&mut self, now_ms: u64) -> Result<(), NoChildren> {
        while let Some(reaped) = reap()? {
            if let Some(answer) = self.checks.on_reaped(&reaped) {
                self.clients.tell(&answer);
            }
            if let Ok(unit) = &mut self.unit
                && unit.main.pid == reaped.pid
            {
                unit.exit = Some(exit_of(unit, &reaped, now_ms));
            }
        }
        if let Ok(unit) = &mut self.unit
            && unit.exit.is_some()
        {
            unit.ending.on_leftovers(unit.main.pid, now_ms);
        }
        Ok(())
    }

    fn wait(&self) {
        let Ok(unit) = &self.unit else { return };
        let disk = unit.disk.as_ref().map(Disk::deadline_ms);
        let deadlines =
            [unit.ending.deadline_ms(), self.checks.deadline_ms(), self.capture.deadline_ms(), disk];
        let left = deadlines.into_iter().flatten().min().map(|at| at.saturating_sub(boot_ms()));
        self.poll(left);
    }

    fn poll(&self, left_ms: Option<u64>) {
        let timeout = left_ms.map_or(PollTimeout::NONE, |ms| {
            PollTimeout::try_from(ms.min(60_000)).unwrap_or(PollTimeout::MAX)
        });
        let fds = [self.signals.as_fd()].into_iter().chain(self.clients.fds()).chain(self.capture.fds());
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // Everything is looked at after each return, so neither the answer nor an interruption matters.
        let _ = poll(&mut fds, timeout);
    }

    /// Writes the record, then tells. A full disk is waited for: the end must not be forgotten; until then whoever
    /// connects is told, and SIGKILL from the backend ends the wait.
    fn record(mut self, exit: Exit) {
        self.capture.journal().flush();
        let message = FromShim::Ended(exit.clone());
        let mut told = false;
        while self.place.write_exit(&exit).is_err() {
            self.clients.accept(&message);
            if !told {
                self.clients.tell(&message);
                told = true;
            }
            if self.clients.receive().contains(&ToShim::Kill) {
                return;
            }
            self.signals.take();
            self.poll(Some(RECORD_AGAIN_MS));
        }
        self.clients.accept(&message);
        if !told {
            self.clients.tell(&message);
        }
    }
}

impl Unit {
    /// Ends it where it takes more of the disk than it may.
    fn mind_the_disk(&mut self, now_ms: u64) {
        if self.why.is_some() {
            return;
        }
        self.why = self.disk.as_mut().and_then(|disk| disk.on_time(now_ms));
        if self.why.is_some() {
            self.ending.on_kill(now_ms);
        }
    }
}

/// The spec with what is secret of the environment, which is taken out of all output from here on.
fn unsealed(mut spec: ShimSpec, clients: &mut Clients, capture: &mut Capture) -> io::Result<ShimSpec> {
    if !spec.sealed {
        return Ok(spec);
    }
    let lost = || io::Error::other("its secrets were not handed over");
    let Sealed { env, secrets } = clients.sealed()?.ok_or_else(lost)?;
    let named = secrets.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    capture.hide(Redactor::new(named));
    spec.env.extend(environment::unsealed(env));
    Ok(spec)
}

fn start(place: &Place, spec: ShimSpec, capture: &mut Capture) -> io::Result<Unit> {
    let (starter, complaints) = Starter::prepare(place, spec)?;
    for complaint in complaints {
        capture.journal().note(&complaint);
    }
    let disk = Disk::of(starter.spec(), boot_ms());
    let mut child = match starter.start() {
        Ok(child) => child,
        Err(error) => {
            starter.groups.iter().for_each(leave);
            return Err(error);
        }
    };
    let pid = child.id();
    let main = Main { pid, started: start_time(pid).unwrap_or_default(), started_ms: boot_ms() };
    if let Err(error) = place.write_main(&main) {
        capture.journal().note(&format!("main process not recorded: {error}"));
    }
    let taken = take_output(&mut child, capture);
    let mut unit = Unit { starter, main, ending: Ending::Not, exit: None, disk, why: None };
    if taken.is_err() {
        // It could block on a pipe nobody reads; this cannot happen to a pipe that was just made, but must not hang.
        unit.ending.on_kill(main.started_ms);
    }
    Ok(unit)
}

fn take_output(child: &mut Child, capture: &mut Capture) -> io::Result<()> {
    if let Some(out) = child.stdout.take() {
        capture.add(Stream::Out, OwnedFd::from(out))?;
    }
    if let Some(err) = child.stderr.take() {
        capture.add(Stream::Err, OwnedFd::from(err))?;
    }
    Ok(())
}

/// The kernel tells of a lack of memory only by count: it is taken for the cause where the end fits it.
fn exit_of(unit: &Unit, reaped: &Reaped, now_ms: u64) -> Exit {
    let killed = unit.starter.groups.iter().map(Group::out_of_memory_kills).sum::<u64>() > 0;
    let failed = reaped.signal == Some(9) || reaped.code.is_some_and(|code| code != 0);
    Exit {
        code: reaped.code,
        signal: reaped.signal,
        out_of_memory: killed && failed,
        trouble: unit.why.clone(),
        ran_ms: now_ms.saturating_sub(unit.main.started_ms),
    }
}

/// What it met that its own output may not tell: a limit on processes shows as an error of whatever wanted one.
fn met(unit: &Unit) -> Option<String> {
    let most = unit.starter.spec().unit.limits.pids?;
    let refused = unit.starter.groups.iter().any(|group| group.refused_processes() > 0);
    refused.then(|| format!("it met its limit of {most} processes and threads"))
}

/// Nothing of it runs any more: gives back what it had.
fn finish(unit: &Unit) {
    unit.starter.groups.iter().for_each(leave);
    if unit.why.is_some() {
        unit.disk.iter().for_each(Disk::give_back);
    }
    let spec = unit.starter.spec();
    if spec.unit.writable
        && spec.isolation.user().is_some()
        && let Err(error) = unit.starter.take_back()
    {
        let _ =
            io::Write::write_all(&mut io::stderr(), format!("files not taken back: {error}\n").as_bytes());
    }
}

fn leave(group: &Group) {
    if let Err(error) = group.remove() {
        let _ = io::Write::write_all(&mut io::stderr(), format!("group not removed: {error}\n").as_bytes());
    }
}
