//! The old gateway's side: gives its place to whoever asks for it in order, once that one is ready to serve.

use std::io;
use std::net::TcpListener;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use tidegate_os::handoff;
use tidegate_os::lock::Lock;
use tokio::net::UnixListener;
use tokio::sync::OwnedMutexGuard;

use super::{Listening, Offer, Opening, Ready, hear, say, set_patience, step};
use crate::control::server::is_ours;
use crate::epochs::Epochs;

/// What goes over.
#[derive(Debug)]
pub(crate) struct Estate {
    pub(crate) lock: Lock,
    /// Every listening socket of every worker.
    pub(crate) listeners: Vec<(Listening, TcpListener)>,
}

/// The place is given away.
#[derive(Debug)]
pub(crate) struct Given {
    /// To the successor.
    pub(crate) stream: UnixStream,
    /// How long requests in flight may take.
    pub(crate) drain: Duration,
    /// While this is held no table is applied here: none may be that the successor does not have.
    pub(crate) hold: OwnedMutexGuard<()>,
}

/// Waits for a successor. A draining gateway that lost its own becomes one of our elders meanwhile.
pub(crate) async fn serve(
    listener: std::os::unix::net::UnixListener,
    estate: Arc<Estate>,
    epochs: Arc<Epochs>,
) -> io::Result<Given> {
    listener.set_nonblocking(true)?;
    let listener = UnixListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        if !is_ours(&stream).unwrap_or(false) {
            tracing::warn!("a stranger asked for the gateway's place");
            continue;
        }
        match attend(stream, &estate, &epochs).await {
            Ok(Some(given)) => return Ok(given),
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "the gateway keeps its place: the handover failed"),
        }
    }
}

async fn attend(
    stream: tokio::net::UnixStream,
    estate: &Arc<Estate>,
    epochs: &Arc<Epochs>,
) -> io::Result<Option<Given>> {
    let stream = stream.into_std()?;
    set_patience(&stream)?;
    let (stream, opening) = apart(move || {
        let opening = hear::<Opening>(&stream)?;
        Ok((stream, opening))
    })
    .await?;
    match opening {
        Opening::Take { version, drain_ms } => {
            tracing::info!(version, "a new gateway asks for this one's place");
            hand_over(stream, Duration::from_millis(drain_ms), estate, epochs).await.map(Some)
        }
        Opening::Follow { pid } => {
            tracing::info!(pid, "a gateway that drains follows this one");
            epochs.elders.adopt(stream, pid, Some(epochs.table())).await.map(|()| None)
        }
    }
}

async fn hand_over(
    stream: UnixStream,
    drain: Duration,
    estate: &Arc<Estate>,
    epochs: &Arc<Epochs>,
) -> io::Result<Given> {
    step("asked");
    let hold = epochs.hold().await;
    let offer = Offer {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        table: (*epochs.table()).clone(),
        listeners: estate.listeners.iter().map(|(listening, _)| listening.clone()).collect(),
    };
    let estate = estate.clone();
    let stream = apart(move || {
        make_offer(&stream, &offer, &estate)?;
        step("offered");
        let Ready { pid } = hear(&stream)?;
        step("given");
        tracing::info!(pid, "the new gateway serves; this one drains");
        Ok(stream)
    })
    .await?;
    Ok(Given { stream, drain, hold })
}

fn make_offer(stream: &UnixStream, offer: &Offer, estate: &Estate) -> io::Result<()> {
    let lock = estate.lock.share()?;
    let mut descriptors = vec![lock.as_fd()];
    descriptors.extend(estate.listeners.iter().map(|(_, listener)| listener.as_fd()));
    handoff::send(stream, &descriptors)?;
    say(stream, offer)
}

async fn apart<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
