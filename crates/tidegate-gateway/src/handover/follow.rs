//! What a gateway does while it drains: it obeys its successor, and looks for the next one when that is killed.

use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tidegate_os::socket;
use tokio::sync::{Notify, mpsc, watch};

use super::{Opening, SOCKET, say, set_patience};
use crate::control::server;
use crate::epochs::Epochs;

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Follows until `over`, and tells the last counts then. `end` takes how long the drain may still last.
pub(crate) async fn follow(
    first: UnixStream,
    dir: &Path,
    (epochs, idle): (&Arc<Epochs>, &Arc<Notify>),
    end: &mpsc::Sender<Duration>,
    over: watch::Receiver<bool>,
) {
    let news = watch::Sender::new(0);
    let following = async {
        let mut stream = Some(first);
        loop {
            let successor = match stream.take() {
                Some(stream) => stream,
                None => tokio::select! {
                    found = find(dir) => found,
                    () = is_over(over.clone()) => return,
                },
            };
            let until = is_over(over.clone());
            if let Err(error) = obey(successor, epochs, news.subscribe(), end, until).await {
                tracing::debug!(%error, "the successor is gone");
            }
            if *over.borrow() {
                return;
            }
        }
    };
    let telling = async {
        loop {
            idle.notified().await;
            news.send_modify(|count| *count += 1);
        }
    };
    tokio::select! {
        () = following => {}
        () = telling => {}
    }
}

async fn obey(
    stream: UnixStream,
    epochs: &Arc<Epochs>,
    news: watch::Receiver<u64>,
    end: &mpsc::Sender<Duration>,
    over: impl Future<Output = ()>,
) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    let stream = tokio::net::UnixStream::from_std(stream)?;
    server::converse(stream, epochs.clone(), news, end.clone(), over).await
}

async fn is_over(mut over: watch::Receiver<bool>) {
    // An end of the other side is one as well.
    let _ = over.wait_for(|over| *over).await;
}

/// The gateway that serves here now.
async fn find(dir: &Path) -> UnixStream {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let opened = socket::connect(&dir.join(SOCKET)).and_then(|stream| {
            set_patience(&stream)?;
            say(&stream, &Opening::Follow { pid: std::process::id() })?;
            Ok(stream)
        });
        if let Ok(stream) = opened {
            return stream;
        }
    }
}
