//! A worker's own observer, and how all of them are made.

use std::cell::{Cell, RefCell};
use std::io;
use std::sync::Arc;
use std::time::SystemTime;

use super::config::{AccessLog, Observe, TraceMode};
use super::line::Lines;
use super::log::Log;
use super::{LogCounts, Record, Sample, Wish, Writer};
use crate::registry::seed;

/// See the module above. One worker uses it.
#[derive(Debug)]
pub(crate) struct Observer {
    /// `None`: there is no log.
    sample: Option<Sample>,
    log: Option<RefCell<Log>>,
    trace: TraceMode,
    random: Cell<u64>,
}

/// Makes the observers of so many workers, and the thread that writes their lines, where they have any.
pub(crate) fn open(
    observe: &Observe,
    workers: usize,
    counts: &Arc<LogCounts>,
) -> io::Result<(Vec<Observer>, Option<Writer>)> {
    let Some(access_log) = &observe.access_log else {
        return Ok(((0..workers).map(|_| Observer::new(observe.trace)).collect(), None));
    };
    let (writer, send) = Writer::start(access_log, counts.clone())?;
    let observer = |_| {
        let log = Log::new(Lines::new(access_log.query), send.clone(), counts.clone());
        Observer::new(observe.trace).with_log(access_log, log)
    };
    Ok(((0..workers).map(observer).collect(), Some(writer)))
}

impl Observer {
    fn new(trace: TraceMode) -> Self {
        Observer { sample: None, log: None, trace, random: Cell::new(seed()) }
    }

    fn with_log(self, access_log: &AccessLog, log: Log) -> Self {
        Observer { sample: Some(access_log.sample), log: Some(RefCell::new(log)), ..self }
    }

    /// Whether the log wants a request, by its id: a retry and a mirrored copy get the same answer.
    pub(crate) fn wish(&self, id: &[u8]) -> Wish {
        self.sample.map_or(Wish::Never, |sample| sample.wish(id))
    }

    /// Whether the log wants any request at all.
    pub(crate) fn is_on(&self) -> bool {
        self.sample.is_some()
    }

    /// A request is over that the log wants ([`Wish::holds`]).
    pub(crate) fn observe(&self, record: &Record<'_>) {
        if let Some(log) = &self.log {
            log.borrow_mut().write(record, SystemTime::now());
        }
    }

    /// Hands on the lines there are. Call it a few times a second.
    pub(crate) fn flush(&self) {
        if let Some(log) = &self.log {
            log.borrow_mut().flush();
        }
    }

    /// Whether the gateway takes part in traces.
    pub(crate) fn traces(&self) -> bool {
        self.trace == TraceMode::Make
    }

    /// A number for a trace: unlike others, but nothing to keep a secret with. SplitMix64 costs no call of the system.
    pub(crate) fn random(&self) -> u64 {
        let state = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
