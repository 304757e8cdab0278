//! Connections to instances as bytes, for the fast path: opened, kept for the next request, and known to be alive.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::kept::{EARLY, keep_for};
use super::link::Link;
use crate::descriptors::{Descriptors, Share, exhausted};
use crate::endpoint::Endpoint;
use crate::limits::Limits;

/// How long room for a connection is waited for, which is longer than workers take to look who asked for it, and how often it
/// is looked for.
const ROOM_WITHIN: Duration = Duration::from_millis(500);
const ROOM_AGAIN: Duration = Duration::from_millis(5);
/// So many are closed at once where room is wanted.
const GIVEN_AT_ONCE: usize = 8;

/// A connection that carries one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Plain {
    pub(crate) link: Link,
    endpoint: Arc<Endpoint>,
    unused_since: Instant,
    expires: Instant,
    /// Of the process's descriptors.
    share: Share,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// One request at a time.
    Own,
    /// The requests of many, the first to its endpoint.
    Shared,
    /// One more of these.
    Further,
}

impl Plain {
    /// The connection, for what is not HTTP any more.
    pub(super) fn into_link(self) -> (Link, Share) {
        (self.link, self.share)
    }

    fn note_close(&self, now: Instant) {
        if now.saturating_duration_since(self.unused_since) < EARLY {
            self.endpoint.manners().on_early_close();
        }
    }
}

/// The connections one worker keeps. Not shared: taking one costs no lock.
#[derive(Debug)]
pub(crate) struct Plains {
    limits: Limits,
    descriptors: Arc<Descriptors>,
    /// No client waits for what is opened here.
    spare: bool,
    by_endpoint: RefCell<HashMap<u64, Vec<Plain>, foldhash::fast::RandomState>>,
}

impl Plains {
    pub(crate) fn new(limits: Limits, descriptors: Arc<Descriptors>) -> Self {
        Plains { limits, descriptors, spare: false, by_endpoint: RefCell::default() }
    }

    /// The same for copies, which get what is left.
    pub(crate) fn spare(limits: Limits, descriptors: Arc<Descriptors>) -> Self {
        Plains { spare: true, ..Plains::new(limits, descriptors) }
    }

    /// Opens a connection; see [`is_ours`](crate::upstream::is_ours) where it fails.
    pub(crate) async fn connect(&self, endpoint: &Arc<Endpoint>, within: Duration) -> io::Result<Plain> {
        let until = Instant::now() + within;
        let share = self.room(Use::Own, within).await?;
        let link = Link::open(endpoint, until).await?;
        let now = Instant::now();
        Ok(Plain { link, endpoint: endpoint.clone(), unused_since: now, expires: now, share })
    }

    /// Room for one more connection, for which one that is kept unused is closed. `within`: for the whole connection, of which
    /// it leaves half for the rest.
    pub(super) async fn room(&self, to: Use, within: Duration) -> io::Result<Share> {
        let until = Instant::now() + ROOM_WITHIN.min(within / 2);
        loop {
            let share = match to {
                _ if self.spare => self.descriptors.spare_link(),
                Use::Further => self.descriptors.spare_link(),
                Use::Own => self.descriptors.link(),
                Use::Shared => self.descriptors.shared_link(),
            };
            if let Some(share) = share {
                return Ok(share);
            }
            // What is kept here is no extra.
            let lacks_extras = !self.spare && to != Use::Own && self.descriptors.has_links();
            if !lacks_extras && self.give_way() {
                continue;
            }
            if self.spare || Instant::now() >= until {
                return Err(exhausted());
            }
            // Another worker may have one that it does not use.
            if lacks_extras {
                self.descriptors.ask_for_extras();
            } else {
                self.descriptors.ask_for_links();
            }
            tokio::time::sleep(ROOM_AGAIN).await;
        }
    }

    /// Closes all connections that nobody uses.
    pub(super) fn clear(&self) {
        self.by_endpoint.borrow_mut().clear();
    }

    /// Closes some of them: whether there were any.
    fn give_way(&self) -> bool {
        let mut all = self.by_endpoint.borrow_mut();
        let Some(kept) = all.values_mut().max_by_key(|kept| kept.len()) else { return false };
        // Those that have lain longest.
        let some = kept.len().min(GIVEN_AT_ONCE);
        kept.drain(..some);
        some > 0
    }

    /// One for the next request, at the time `now`. `repeatable`: the request may be sent again should the connection be
    /// dead all the same; if not, only one that was in use a moment ago will do.
    pub(crate) fn take(&self, endpoint: &Endpoint, repeatable: bool, now: Instant) -> Option<Plain> {
        if !repeatable && !endpoint.manners().trusted() {
            return None;
        }
        let longest = if repeatable { self.limits.upstream_idle } else { self.limits.unsafe_reuse };
        let mut all = self.by_endpoint.borrow_mut();
        let kept = all.get_mut(&endpoint.uid)?;
        while let Some(plain) = kept.pop() {
            if now >= plain.expires {
                continue;
            }
            if now.saturating_duration_since(plain.unused_since) >= longest {
                // The newest is too old for this request: so are the others.
                kept.push(plain);
                return None;
            }
            if plain.link.seems_quiet() && (repeatable || plain.link.is_quiet()) {
                return Some(plain);
            }
            plain.note_close(now);
            // Trust may just have been lost.
            if !repeatable {
                return None;
            }
        }
        None
    }

    /// Puts one back after an answer that was read to its end. `hint`: how long the endpoint said it keeps it.
    pub(crate) fn put(&self, mut plain: Plain, hint: Option<Duration>, now: Instant) {
        let keep = keep_for(self.limits.upstream_idle, hint);
        if plain.endpoint.is_gone() || keep.is_zero() {
            return;
        }
        plain.unused_since = now;
        plain.expires = now + keep;
        plain.endpoint.manners().on_kept();
        let mut all = self.by_endpoint.borrow_mut();
        let kept = all.entry(plain.endpoint.uid).or_default();
        if kept.len() < self.limits.kept {
            kept.push(plain);
        }
    }

    /// Closes what is too old, dead, or of an endpoint that left the table.
    pub(crate) fn sweep(&self) {
        let now = Instant::now();
        self.by_endpoint.borrow_mut().retain(|_, kept| {
            kept.retain(|plain| {
                let alive = plain.link.seems_quiet();
                if !alive {
                    plain.note_close(now);
                }
                alive && now < plain.expires && !plain.endpoint.is_gone()
            });
            !kept.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};
    use tidegate_core::model::{Address, InstanceId};

    use super::*;

    /// Takes no connection, and refuses none.
    fn deaf() -> (Arc<Endpoint>, Vec<Socket>) {
        let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&any.into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut sockets = vec![listener];
        for _ in 0..4 {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address);
            sockets.push(socket);
        }
        let address = Address::Tcp(address.as_socket().unwrap());
        let endpoint = Endpoint::new(1, InstanceId("web-1".to_owned()), address, Arc::default());
        (Arc::new(endpoint), sockets)
    }

    #[tokio::test]
    async fn the_wait_for_room_is_part_of_the_wait_for_a_connection() {
        const WITHIN: Duration = Duration::from_millis(1_000);
        let descriptors = Descriptors::new(8, 0);
        let all: Vec<Share> = std::iter::from_fn(|| descriptors.link()).collect();
        let (endpoint, _sockets) = deaf();
        let plains = Plains::new(Limits::default(), descriptors);
        let began = Instant::now();
        let release = async {
            tokio::time::sleep(WITHIN * 2 / 5).await;
            drop(all);
        };
        let (connected, ()) = tokio::join!(plains.connect(&endpoint, WITHIN), release);
        assert_eq!(connected.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert!(began.elapsed() < WITHIN * 6 / 5, "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn the_wait_for_room_leaves_time_for_the_connection() {
        let descriptors = Descriptors::new(8, 0);
        let _all: Vec<Share> = std::iter::from_fn(|| descriptors.link()).collect();
        let plains = Plains::new(Limits::default(), descriptors);
        let began = Instant::now();
        let room = plains.room(Use::Own, Duration::from_millis(600)).await;
        assert!(crate::descriptors::is_ours(&room.unwrap_err()));
        assert!(began.elapsed() < Duration::from_millis(550), "{:?}", began.elapsed());
    }
}
