//! The gateway's end of the control socket. Several control planes may be connected at once: the one that was killed and
//! the next; the epochs decide between them.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tidegate_core::model::{RouteChange, RouteTable};
use tokio::io::BufReader;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use super::lines;
use super::protocol::{Command, Message};
use super::telling::{Ear, Telling};
use crate::epochs::Epochs;

/// Tables are long.
const READ_AT_ONCE: usize = 64 << 10;
const REPORT_EVERY: Duration = Duration::from_secs(1);
/// A control plane that does not read for so long is cut off; it connects again.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// Serves the socket until the gateway ends. `end` takes how long it may drain.
pub(crate) async fn serve(
    listener: std::os::unix::net::UnixListener,
    epochs: Arc<Epochs>,
    idle: Arc<Notify>,
    end: mpsc::Sender<Duration>,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    let news = watch::Sender::new(0_u64);
    // Ended with this: a gateway that gave its place away has no control plane any more.
    let mut conversations = JoinSet::new();
    loop {
        while conversations.try_join_next().is_some() {}
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => begin(&mut conversations, stream, &epochs, &news, &end),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a control connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = idle.notified() => news.send_modify(|count| *count += 1),
        }
    }
}

fn begin(
    conversations: &mut JoinSet<()>,
    stream: UnixStream,
    epochs: &Arc<Epochs>,
    news: &watch::Sender<u64>,
    end: &mpsc::Sender<Duration>,
) {
    match is_ours(&stream) {
        Ok(true) => {}
        Ok(false) => return tracing::warn!("a control connection of another user was refused"),
        Err(error) => return tracing::warn!(%error, "a control connection of nobody known was refused"),
    }
    let (epochs, news, end) = (epochs.clone(), news.subscribe(), end.clone());
    conversations.spawn(async move {
        if let Err(error) = converse(stream, epochs, news, end, std::future::pending()).await {
            tracing::debug!(%error, "a control connection ended");
        }
    });
}

/// Whether the other end is root or the user this process runs as.
pub(crate) fn is_ours(stream: &UnixStream) -> io::Result<bool> {
    let uid = stream.peer_cred()?.uid();
    // The two ends of a pair made here have this process's own user: the kernel is asked, not the environment.
    let (own, _) = UnixStream::pair()?;
    Ok(uid == 0 || uid == own.peer_cred()?.uid())
}

/// Obeys and tells, until the other end is gone or, after a last report, `over`.
pub(crate) async fn converse(
    stream: UnixStream,
    epochs: Arc<Epochs>,
    news: watch::Receiver<u64>,
    end: mpsc::Sender<Duration>,
    over: impl Future<Output = ()>,
) -> io::Result<()> {
    let (reader, writer) = stream.into_split();
    // Answers wait for room, so a control plane that only talks is slowed down, not buffered for.
    let (say, hear) = mpsc::channel(16);
    let pieces = AtomicBool::new(false);
    let mut obeying = pin!(obey(reader, &epochs, (say, &pieces), end));
    let mut speaking = pin!(speak(writer, &epochs, (hear, &pieces), news, over));
    tokio::select! {
        // The other end said its last: what it asked before is answered still.
        heard = &mut obeying => heard.and(speaking.await),
        said = &mut speaking => said,
    }
}

async fn obey(
    reader: OwnedReadHalf,
    epochs: &Epochs,
    (say, pieces): (mpsc::Sender<Message>, &AtomicBool),
    end: mpsc::Sender<Duration>,
) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(READ_AT_ONCE, reader);
    while let Some(command) = lines::read(&mut reader).await? {
        match command {
            Command::Apply(table) => {
                let answer = apply(epochs, table, None).await;
                if say.send(answer).await.is_err() {
                    return Ok(());
                }
            }
            Command::Change(change) => {
                let answer = apply_change(epochs, change).await;
                if say.send(answer).await.is_err() {
                    return Ok(());
                }
            }
            Command::TakesPieces => pieces.store(true, Ordering::Relaxed),
            // One is enough: a second while the first is worked on changes nothing.
            Command::Shutdown { drain_ms } => drop(end.try_send(Duration::from_millis(drain_ms))),
        }
    }
    Ok(())
}

async fn apply(epochs: &Epochs, table: RouteTable, change: Option<RouteChange>) -> Message {
    let epoch = table.epoch;
    match epochs.apply(table, change).await {
        Ok(_) => {
            let (epoch, inflight) = epochs.inflight();
            Message::Ack { epoch, inflight }
        }
        Err(error) => {
            tracing::warn!(%error, epoch, "a routing table was refused");
            Message::Refused { epoch, current: epochs.epoch(), why: error.to_string() }
        }
    }
}

/// The table in use cannot become another one meanwhile but by another control plane, which then has the last word.
async fn apply_change(epochs: &Epochs, change: RouteChange) -> Message {
    let current = epochs.table();
    if current.epoch != change.from {
        return Message::Whole { epoch: change.epoch };
    }
    let table = change.clone().onto(&current);
    apply(epochs, table, Some(change)).await
}

async fn speak(
    mut writer: OwnedWriteHalf,
    epochs: &Epochs,
    (mut hear, pieces): (mpsc::Receiver<Message>, &AtomicBool),
    mut news: watch::Receiver<u64>,
    over: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut over = pin!(over);
    write(&mut writer, &hello(epochs)).await?;
    let mut every = tokio::time::interval(REPORT_EVERY);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut telling: Option<Telling> = None;
    let mut ear = Ear::default();
    loop {
        let message = tokio::select! {
            // An acknowledgement is waited for; a report, which takes longer to make, is not.
            biased;
            message = hear.recv() => match message {
                Some(message) => message,
                // The other end said its last.
                None => return Ok(()),
            },
            () = &mut over => return write(&mut writer, &Telling::Whole.next(epochs, &mut ear).0).await,
            message = go_on(&mut telling, epochs, &mut ear) => message,
            // A report that is on its way goes on: begun anew, it would say twice what it said already.
            () = due(&mut every, &mut news), if telling.is_none() => {
                ear.in_pieces = pieces.load(Ordering::Relaxed);
                telling = Some(Telling::new(ear.in_pieces, epochs));
                continue;
            }
        };
        write(&mut writer, &message).await?;
    }
}

/// Until it is time for a report.
async fn due(every: &mut Interval, news: &mut watch::Receiver<u64>) {
    tokio::select! {
        _ = every.tick() => {}
        Ok(()) = news.changed() => {}
    }
}

/// The next message of a report, if one is on its way. Commands are read and obeyed before it.
async fn go_on(telling: &mut Option<Telling>, epochs: &Epochs, ear: &mut Ear) -> Message {
    if telling.is_none() {
        std::future::pending::<()>().await;
    }
    tokio::task::yield_now().await;
    let (message, rest) = telling.take().unwrap_or(Telling::Whole).next(epochs, ear);
    *telling = rest;
    message
}

async fn write(writer: &mut OwnedWriteHalf, message: &Message) -> io::Result<()> {
    tokio::time::timeout(WRITE_WITHIN, lines::write(writer, message)).await?
}

fn hello(epochs: &Epochs) -> Message {
    let (epoch, inflight) = epochs.inflight();
    Message::Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        listen: epochs.places.address.to_string(),
        https: epochs.places.https.map(|https| https.to_string()),
        guests: epochs.places.guests.clone(),
        incarnation: epochs.incarnation.clone(),
        epoch,
        inflight,
        takes_changes: true,
        takes_places: true,
        gives_pieces: true,
    }
}
