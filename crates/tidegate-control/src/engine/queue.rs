//! Lengths of the queues that services work off: asked for in the background, kept for the scale reconciler.
//!
//! All of it can be lost: a control plane that starts anew asks again. A length that is older than two questions is none.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::Duration;

use tidegate_backend::UnitSpec;
use tidegate_core::model::{
    InstanceId, PortSpec, QueueSource, QueueTarget, Revision, ServiceKey, ServiceSpec, StopSpec, UnitState,
};
use tidegate_core::time::{Millis, Moment};

use super::{Sight, World};
use crate::digest::digest_json;

/// How long a question may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How long a command may run.
const COMMAND_WITHIN: Millis = Millis::seconds(30);
/// Of an answer so much is read.
const LONGEST_ANSWER: u64 = 64 * 1024;

/// The queues of all services.
#[derive(Debug, Default)]
pub(super) struct Queues {
    watched: BTreeMap<ServiceKey, Watch>,
}

/// One queue.
#[derive(Debug, Default)]
struct Watch {
    /// When it was asked for last.
    asked_at: Option<Moment>,
    /// What was answered last, and when.
    length: Option<(Moment, u64)>,
    pending: Option<Pending>,
}

/// A question without an answer yet.
#[derive(Debug)]
enum Pending {
    Http(Receiver<Result<u64, String>>),
    Command { id: InstanceId, generation: u64 },
}

/// Whose queue.
pub(super) struct Asker<'a> {
    pub(super) key: &'a ServiceKey,
    pub(super) revision: &'a Revision,
    pub(super) spec: &'a ServiceSpec,
}

impl Queues {
    /// The length of a service's queue, as far as it is known; asks for it when it is time.
    pub(super) fn length(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        asker: &Asker<'_>,
        queue: &QueueTarget,
    ) -> Option<u64> {
        let now = sight.time.now;
        let watch = self.watched.entry(asker.key.clone()).or_default();
        watch.take_answer(world, sight, asker.key);
        let due = watch.asked_at.is_none_or(|at| now.since(at) >= queue.every);
        if watch.pending.is_none() && due {
            watch.asked_at = Some(now);
            watch.pending = ask(world, asker, &queue.source, now);
        }
        let fresh = Millis(queue.every.0 * 2 + COMMAND_WITHIN.0);
        watch.length.filter(|(at, _)| now.since(*at) <= fresh).map(|(_, length)| length)
    }

    /// A service has no queue any more.
    pub(super) fn forget(&mut self, key: &ServiceKey) {
        self.watched.remove(key);
    }

    /// Whether a unit is a question of ours.
    pub(super) fn has(&self, unit: &InstanceId) -> bool {
        let asks = |watch: &Watch| matches!(&watch.pending, Some(Pending::Command { id, .. }) if id == unit);
        self.watched.values().any(asks)
    }
}

impl Watch {
    fn take_answer(&mut self, world: &mut World<'_>, sight: &Sight, key: &ServiceKey) {
        let now = sight.time.now;
        let answer = match &self.pending {
            None => None,
            Some(Pending::Http(answers)) => match answers.try_recv() {
                Ok(answer) => Some(answer),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err("the question was lost".to_owned())),
            },
            Some(Pending::Command { id, generation }) => {
                let late = self.asked_at.is_some_and(|at| now.since(at) >= COMMAND_WITHIN);
                printed(world, sight, id, *generation, late)
            }
        };
        let Some(answer) = answer else { return };
        if let Some(Pending::Command { id, .. }) = self.pending.take()
            && let Err(error) = world.backend.remove(&id)
        {
            tracing::warn!(unit = %id, %error, "a queue's command could not be removed");
        }
        match answer {
            Ok(length) => self.length = Some((now, length)),
            Err(why) => tracing::warn!(service = %key, why, "the length of its queue is not known"),
        }
    }
}

fn ask(world: &mut World<'_>, asker: &Asker<'_>, source: &QueueSource, now: Moment) -> Option<Pending> {
    match source {
        QueueSource::Http(url) => {
            let (say, hear) = channel();
            let url = url.clone();
            let asking = move || drop(say.send(get(&url).and_then(|text| number(&text))));
            let thread = std::thread::Builder::new().name("queue-length".to_owned()).spawn(asking);
            thread.is_ok().then_some(Pending::Http(hear))
        }
        QueueSource::Command(command) => {
            let unit = unit_of(world, asker, command, now);
            let (id, generation) = (unit.id.clone(), unit.generation);
            if let Err(error) = world.backend.start(&unit) {
                tracing::warn!(service = %asker.key, %error, "the command for its queue could not be started");
                return None;
            }
            Some(Pending::Command { id, generation })
        }
    }
}

/// One and the same unit for each service, so that its output is kept within bounds as that of an instance is.
fn unit_of(world: &World<'_>, asker: &Asker<'_>, command: &str, now: Moment) -> UnitSpec {
    let key = asker.key;
    let digest: String = digest_json(key).chars().take(8).collect();
    UnitSpec {
        id: InstanceId(format!("queue-{}-{digest}", key.service)),
        // The time line only goes on, also over a restart.
        generation: now.0.max(1),
        app: key.app.clone(),
        environment: Some(key.environment.clone()),
        service: Some(key.service.clone()),
        revision: Some(asker.revision.number),
        command: command.to_owned(),
        dir: world.workshop.dir(&asker.revision.spec.build),
        writable: false,
        env: asker.spec.env.clone(),
        port: PortSpec::None,
        probes: None,
        stop: StopSpec { grace: Millis(0), ..StopSpec::default() },
        limits: asker.spec.limits,
    }
}

/// What a command printed, once it has ended or has taken too long.
fn printed(
    world: &mut World<'_>,
    sight: &Sight,
    id: &InstanceId,
    generation: u64,
    late: bool,
) -> Option<Result<u64, String>> {
    let seen = sight.seeing.get(id).filter(|seen| seen.generation == generation);
    match seen.map(|seen| &seen.state) {
        Some(UnitState::Exited(exit)) if exit.success() => {
            let lines = world.backend.evidence(id).last_output;
            Some(lines.last().map_or(Err("it printed nothing".to_owned()), |line| number(line)))
        }
        Some(UnitState::Exited(exit)) => Some(Err(format!("its command: {exit}"))),
        Some(UnitState::Running(_)) | None if late => Some(Err(format!("not within {COMMAND_WITHIN}"))),
        Some(UnitState::Running(_)) | None => None,
    }
}

/// The body of a 200 at an `http://` URL.
fn get(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or("not an http URL")?;
    let cut = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(cut);
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let place = if host.rsplit(']').next().is_some_and(|end| end.contains(':')) {
        host.to_owned()
    } else {
        format!("{host}:80")
    };
    let told = |error: std::io::Error| format!("{host}: {error}");
    let address = place.to_socket_addrs().map_err(told)?.next().ok_or("the host has no address")?;
    let mut stream = TcpStream::connect_timeout(&address, WITHIN).map_err(told)?;
    stream.set_read_timeout(Some(WITHIN)).map_err(told)?;
    stream.set_write_timeout(Some(WITHIN)).map_err(told)?;
    // Of HTTP/1.0, so that the answer comes in one piece.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: text/plain\r\n\r\n").map_err(told)?;
    let mut answer = Vec::new();
    stream.take(LONGEST_ANSWER).read_to_end(&mut answer).map_err(told)?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("the answer is no HTTP")?;
    match head.split(' ').nth(1) {
        Some("200") => Ok(body.to_owned()),
        status => Err(format!("{host} answered {}", status.unwrap_or("nothing"))),
    }
}

/// The whole number a text begins with.
fn number(text: &str) -> Result<u64, String> {
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().map_err(|_| "the answer does not begin with a whole number".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    #[test]
    fn a_number_is_what_a_text_begins_with() {
        assert_eq!(number(" 42 messages\n"), Ok(42));
        assert!(number("none").is_err() && number("").is_err() && number("99999999999999999999999").is_err());
    }

    /// Answers one question.
    fn server(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/length?of=mail", listener.local_addr().unwrap());
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut line).unwrap();
            // All of the request, or closing would reset the connection.
            let head = reader.lines().map(Result::unwrap).take_while(|line| !line.is_empty());
            assert!(head.count() >= 1);
            stream.write_all(answer.as_bytes()).unwrap();
            line
        });
        (url, serving)
    }

    #[test]
    fn a_length_is_the_body_of_a_good_answer() {
        let (url, serving) = server("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n17\n");
        assert_eq!(get(&url).as_deref(), Ok("17\n"));
        assert_eq!(serving.join().unwrap(), "GET /length?of=mail HTTP/1.0\r\n");
        let (url, serving) = server("HTTP/1.0 503 Busy\r\n\r\n17\n");
        assert!(get(&url).unwrap_err().ends_with("answered 503"));
        serving.join().unwrap();
    }
}
