//! The gateways before this one, while they drain: they get its tables, and what is in flight on them counts as its own.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tidegate_core::model::{CountsReport, InstanceId, RouteTable};
use tokio::io::BufReader;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Notify, mpsc, watch};

use crate::control::lines;
use crate::control::protocol::{Command, Message};

/// How long an elder may take to say its first word.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// How long a table waits for the elders to use it. They take no new connection, so one that hangs does little harm.
const ACK_WITHIN: Duration = Duration::from_secs(2);
/// So many that are gone are remembered, for their last counts.
const REMEMBERED: usize = 8;

/// See the module.
#[derive(Debug)]
pub(crate) struct Elders {
    /// Told when requests of an elder may have ended.
    idle: Arc<Notify>,
    all: Mutex<Vec<Arc<Elder>>>,
    version: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Elder {
    pid: u32,
    commands: mpsc::UnboundedSender<Command>,
    seen: watch::Sender<Seen>,
    /// Of the counts of all.
    version: Arc<AtomicU64>,
}

/// What it last said.
#[derive(Debug, Default)]
struct Seen {
    alive: bool,
    epoch: u64,
    inflight: BTreeMap<InstanceId, u32>,
    counts: Option<CountsReport>,
    /// Those of its own elders.
    earlier: Vec<CountsReport>,
}

impl Elders {
    pub(crate) fn new(idle: Arc<Notify>) -> Arc<Self> {
        Arc::new(Elders { idle, all: Mutex::default(), version: Arc::default() })
    }

    /// Takes up a gateway that drains. Returns once it has told what is in flight on it; an error: it never did.
    pub(crate) async fn adopt(
        self: &Arc<Self>,
        stream: UnixStream,
        pid: u32,
        table: Option<Arc<RouteTable>>,
    ) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        let (reader, writer) = tokio::net::UnixStream::from_std(stream)?.into_split();
        let mut reader = BufReader::new(reader);
        let hello = tokio::time::timeout(HELLO_WITHIN, lines::read::<Message>(&mut reader)).await??;
        let hello = hello.ok_or(io::ErrorKind::UnexpectedEof)?;
        let (commands, orders) = mpsc::unbounded_channel();
        let seen = watch::Sender::new(Seen { alive: true, ..Seen::default() });
        let elder = Arc::new(Elder { pid, commands, seen, version: self.version.clone() });
        elder.on_message(hello);
        if let Some(table) = table {
            // The other end of the channel is at hand.
            let _ = elder.commands.send(Command::Apply((*table).clone()));
        }
        self.remember(elder.clone());
        tokio::spawn(attend(self.idle.clone(), elder, reader, writer, orders));
        Ok(())
    }

    /// Adds what is in flight on them.
    pub(crate) fn add_inflight(&self, all: &mut BTreeMap<InstanceId, u32>) {
        for elder in self.lock().iter() {
            for (id, count) in &elder.seen.borrow().inflight {
                *all.entry(id.clone()).or_insert(0) += count;
            }
        }
    }

    /// Their counts, also the last of those that are gone.
    pub(crate) fn counts(&self) -> Vec<CountsReport> {
        let of = |elder: &Arc<Elder>| {
            let seen = elder.seen.borrow();
            seen.earlier.iter().chain(&seen.counts).cloned().collect::<Vec<_>>()
        };
        self.lock().iter().flat_map(of).collect()
    }

    /// Another number whenever the counts are others.
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Has them use a table; returns when they do, or could have.
    pub(crate) async fn apply(&self, table: &RouteTable) {
        let elders: Vec<_> = self.lock().clone();
        for elder in elders.iter().filter(|elder| elder.is_alive()) {
            let _ = elder.commands.send(Command::Apply(table.clone()));
        }
        for elder in elders {
            let mut seen = elder.seen.subscribe();
            let used = seen.wait_for(|seen| !seen.alive || seen.epoch >= table.epoch);
            if tokio::time::timeout(ACK_WITHIN, used).await.is_err() {
                tracing::warn!(pid = elder.pid, epoch = table.epoch, "a gateway that drains takes no table");
            }
        }
    }

    /// Has them end after `drain` at the latest; returns once they did.
    pub(crate) async fn end(&self, drain: Duration) {
        let elders: Vec<_> = self.lock().clone();
        let drain_ms = u64::try_from(drain.as_millis()).unwrap_or(u64::MAX);
        for elder in &elders {
            let _ = elder.commands.send(Command::Shutdown { drain_ms });
        }
        let gone = async {
            for elder in &elders {
                let _ = elder.seen.subscribe().wait_for(|seen| !seen.alive).await;
            }
        };
        let _ = tokio::time::timeout(drain + Duration::from_secs(1), gone).await;
    }

    fn remember(&self, elder: Arc<Elder>) {
        let mut all = self.lock();
        all.push(elder);
        while all.len() > REMEMBERED
            && let Some(oldest) = all.iter().position(|elder| !elder.is_alive())
        {
            all.remove(oldest);
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Elder>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Elder {
    fn is_alive(&self) -> bool {
        self.seen.borrow().alive
    }

    /// Takes in a message; whether requests of an instance may have ended with it.
    fn on_message(&self, message: Message) -> bool {
        let (mut less, told) = (false, matches!(message, Message::Report { .. }));
        self.seen.send_modify(|seen| {
            let (epoch, inflight) = match message {
                Message::Hello { epoch, inflight, .. } | Message::Ack { epoch, inflight } => {
                    (epoch, inflight)
                }
                Message::Report { epoch, inflight, counts, earlier, .. } => {
                    (seen.counts, seen.earlier) = (Some(counts), earlier);
                    (epoch, inflight)
                }
                Message::Refused { .. } | Message::Whole { .. } | Message::Piece { .. } => return,
            };
            less = seen.inflight.keys().any(|id| !inflight.contains_key(id));
            (seen.epoch, seen.inflight) = (epoch, inflight);
        });
        if told {
            self.version.fetch_add(1, Ordering::Release);
        }
        less
    }

    fn on_gone(&self) {
        self.seen.send_modify(|seen| {
            seen.alive = false;
            seen.inflight.clear();
        });
    }
}

async fn attend(
    idle: Arc<Notify>,
    elder: Arc<Elder>,
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    mut orders: mpsc::UnboundedReceiver<Command>,
) {
    let hearing = async {
        while let Ok(Some(message)) = lines::read::<Message>(&mut reader).await {
            if elder.on_message(message) {
                idle.notify_one();
            }
        }
    };
    let telling = async {
        while let Some(order) = orders.recv().await {
            if lines::write(&mut writer, &order).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = hearing => {}
        () = async { telling.await; std::future::pending().await } => {}
    }
    tracing::info!(pid = elder.pid, "a gateway that drained is gone");
    elder.on_gone();
    idle.notify_one();
}
