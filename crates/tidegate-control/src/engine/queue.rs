//! Lengths of the queues that services work off: asked for in the background, kept for the scale reconciler.
//!
//! All of it can be lost: a control plane that starts anew asks again. A length that is older than two questions is none.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_core::model::{InstanceId, QueueSource, QueueTarget, ServiceKey};
use tidegate_core::time::{Millis, Moment};

use super::ask::{self, Get, Pending, Place, Reply};
use super::{Sight, World};

/// How long a question may take.
const WITHIN: Duration = Duration::from_secs(5);
/// How long a command may run.
const COMMAND_WITHIN: Millis = Millis::seconds(30);

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

impl Queues {
    /// The length of a service's queue, as far as it is known; asks for it when it is time.
    pub(super) fn length(
        &mut self,
        world: &mut World<'_>,
        sight: &Sight,
        asker: &Place<'_>,
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
        self.watched.values().any(|watch| watch.pending.as_ref().is_some_and(|pending| pending.is_unit(unit)))
    }
}

impl Watch {
    fn take_answer(&mut self, world: &mut World<'_>, sight: &Sight, key: &ServiceKey) {
        let Some(pending) = self.pending.take() else { return };
        let Some(reply) = pending.reply(world, sight) else {
            self.pending = Some(pending);
            return;
        };
        pending.end(world);
        match reply.and_then(length) {
            Ok(length) => self.length = Some((sight.time.now, length)),
            Err(why) => tracing::warn!(service = %key, why, "the length of its queue is not known"),
        }
    }
}

fn ask(world: &mut World<'_>, asker: &Place<'_>, source: &QueueSource, now: Moment) -> Option<Pending> {
    let begun = match source {
        QueueSource::Http(url) => Pending::get(Get { url: url.clone(), bearer: None, within: WITHIN }),
        QueueSource::Command(command) => {
            let unit = ask::unit_of(world, asker, ("queue", asker.key.service.as_str()), command, now);
            unit.and_then(|unit| Pending::run(world, &unit, COMMAND_WITHIN, now))
        }
    };
    begun.map_err(|why| tracing::warn!(service = %asker.key, why, "its queue could not be asked")).ok()
}

fn length(reply: Reply) -> Result<u64, String> {
    match reply {
        Reply::Fetched(answer) if answer.status == 200 => number(&answer.body),
        Reply::Fetched(answer) => Err(format!("it answered {}", answer.status)),
        Reply::Ended { exit, last_line } if exit.success() => number(&last_line.ok_or("it printed nothing")?),
        Reply::Ended { exit, .. } => Err(format!("its command: {exit}")),
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
    use crate::engine::ask::Fetched;
    use tidegate_core::model::Exit;

    #[test]
    fn a_number_is_what_a_text_begins_with() {
        assert_eq!(number(" 42 messages\n"), Ok(42));
        assert!(number("none").is_err() && number("").is_err() && number("99999999999999999999999").is_err());
    }

    #[test]
    fn a_length_is_the_body_of_a_good_answer_or_the_last_line_of_a_command() {
        let fetched = |status, body: &str| length(Reply::Fetched(Fetched { status, body: body.to_owned() }));
        assert_eq!(fetched(200, "17\n"), Ok(17));
        assert_eq!(fetched(503, "17\n").unwrap_err(), "it answered 503");
        let ended = |code, last_line: Option<&str>| {
            let exit = Exit { code: Some(code), ..Exit::default() };
            length(Reply::Ended { exit, last_line: last_line.map(str::to_owned) })
        };
        assert_eq!((ended(0, Some("4")), ended(0, None).is_err()), (Ok(4), true));
        assert_eq!(ended(1, Some("4")).unwrap_err(), "its command: exit code 1");
    }
}
