//! A listener and the connections that come in by it: no more at a time than it has seats.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::hall::Hall;
use crate::stop::Stop;
use crate::strangers::{Stranger, Strangers};

/// When the machine refuses a connection (no descriptors), others end meanwhile.
const PAUSE: Duration = Duration::from_millis(50);
/// So long connections under way have to end when the server does.
const GOODBYE: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug)]
pub(crate) struct Door {
    listener: TcpListener,
    address: SocketAddr,
    seats: Arc<Semaphore>,
    strangers: Arc<Strangers>,
}

impl Door {
    /// Of a listener, which is to be used on this runtime from now on.
    pub(crate) fn of(listener: std::net::TcpListener, connections: usize) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        let seats = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Ok(Door { listener, address, seats, strangers: Strangers::of(connections) })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves every connection in a task of its own, until it is told to stop. Connections under way are told as well, and
    /// have a while to end.
    pub(crate) async fn keep<S, F>(self, hall: &Hall, mut stop: Stop, serve: S)
    where
        S: Fn(TcpStream, Stranger, Stop) -> F,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut connections = tokio::task::JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = connections.join_next(), if !connections.is_empty() => continue,
                () = stop.said() => break,
            };
            match accepted {
                Ok((stream, peer)) => match self.seat().zip(self.strangers.enter(peer.ip())) {
                    Some((seat, stranger)) => {
                        let _ = stream.set_nodelay(true);
                        let served = serve(stream, stranger, stop.clone());
                        connections.spawn(async move {
                            served.await;
                            drop(seat);
                        });
                    }
                    None => hall.tally().connections_refused.one(),
                },
                Err(error) => {
                    tracing::warn!(%error, "a connection cannot be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        drop(self.listener);
        let all_gone = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GOODBYE, all_gone).await;
    }

    fn seat(&self) -> Option<OwnedSemaphorePermit> {
        self.seats.clone().try_acquire_owned().ok()
    }
}
