//! The file descriptors of the process, and who may have them: a crowd of clients, or few that ask for much, must not take
//! what those need that are served already. Shared by the workers, which ask once for each connection and each pipe, and of
//! HTTP/2 for each request at a time that goes beyond one.
//!
//! A client's connection has a seat, and with it a claim to one connection to an instance. What goes beyond that is extra:
//! further requests of one connection at the same time, pipes, copies, and connections to instances that carry the requests
//! of many, but for a few. No seat is given where a claim could not be honoured,
//! and nothing extra where it would take what a claim is to. So at most as many connections to instances are busy as there
//! are claims and extras, and one that is kept unused gives way: see [`Descriptors::ask_for_links`].

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::io::Errno;

/// Most descriptors that are left for what is neither a client nor done for one.
const RESERVE: u64 = 256;
/// The ends of a pipe.
const PIPE: u64 = 2;
/// What the reserve has for connections that carry the requests of many, so that a full house does not keep an instance of
/// HTTP/2 from being reached at all: one part in so many.
const SHARED_OF_RESERVE: u64 = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Descriptors {
    /// Most clients, and most of everything else.
    clients: u64,
    others: u64,
    /// Most of what the reserve is used for.
    reserved: u64,
    seats: Counter,
    extras: Counter,
    /// Connections to instances, busy or kept, and the ends of pipes.
    open: Counter,
    /// Connections that the reserve has.
    of_reserve: Counter,
    /// How often somebody asked.
    links_wanted: Counter,
    extras_wanted: Counter,
}

/// With the line of the processor's cache to itself, and the one that is fetched beside it: workers that count one thing are
/// not held up by those that count another.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

/// How often somebody asked for what others keep unused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// For connections to instances.
    pub(crate) links: u64,
    /// For what goes beyond claims, or for seats that it takes.
    pub(crate) extras: u64,
}

/// A share of them; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Share {
    of: Arc<Descriptors>,
    seats: u64,
    extras: u64,
    open: u64,
    of_reserve: u64,
}

impl Descriptors {
    /// Of a process that may have so many files open, of which `elsewhere` are for others than the gateway.
    pub(crate) fn new(files: u64, elsewhere: u64) -> Arc<Self> {
        let ours = files.saturating_sub(elsewhere);
        let reserve = RESERVE.min(ours / 4);
        let ours = ours - reserve;
        let clients = (ours / 2).max(1);
        let others = ours.saturating_sub(clients).max(clients);
        let (seats, extras, open, of_reserve) = Default::default();
        let (links_wanted, extras_wanted) = Default::default();
        let reserved = reserve / SHARED_OF_RESERVE;
        Arc::new(Descriptors {
            clients,
            others,
            reserved,
            seats,
            extras,
            open,
            of_reserve,
            links_wanted,
            extras_wanted,
        })
    }

    /// Most clients' connections.
    pub(crate) fn most_clients(&self) -> u64 {
        self.clients
    }

    /// For a client's connection.
    pub(crate) fn seat(self: &Arc<Self>) -> Option<Share> {
        let share = self.share(1, 0, 0);
        let fits = self.seats.now() <= self.clients && self.honours_claims();
        fits.then_some(share)
    }

    /// For a client's connection that has a seat and is about to lose it, as it becomes a tunnel.
    pub(crate) fn seat_again(self: &Arc<Self>) -> Share {
        self.share(1, 0, 0)
    }

    /// For one more request of a client's connection, besides the one that has its claim.
    pub(crate) fn extra(self: &Arc<Self>) -> Option<Share> {
        let share = self.share(0, 1, 0);
        self.leaves_room().then_some(share)
    }

    /// For a pipe.
    pub(crate) fn pipe(self: &Arc<Self>) -> Option<Share> {
        let share = self.share(0, PIPE, PIPE);
        (self.leaves_room() && self.is_within()).then_some(share)
    }

    /// For a connection to an instance, or a file of a site, whose request has a claim or a share of its own.
    pub(crate) fn link(self: &Arc<Self>) -> Option<Share> {
        let share = self.share(0, 0, 1);
        self.is_within().then_some(share)
    }

    /// For a connection to an instance that no client waits for.
    pub(crate) fn spare_link(self: &Arc<Self>) -> Option<Share> {
        let share = self.share(0, 1, 1);
        (self.leaves_room() && self.is_within()).then_some(share)
    }

    /// For a connection to an instance that carries the requests of many, and may be busy with those of others when whoever
    /// asked for it is gone.
    pub(crate) fn shared_link(self: &Arc<Self>) -> Option<Share> {
        let share = Share { of: self.clone(), seats: 0, extras: 0, open: 0, of_reserve: 1 };
        if self.of_reserve.add(1) <= self.reserved { Some(share) } else { self.spare_link() }
    }

    /// Whether there is room for a connection to an instance, but for what it may need besides.
    pub(crate) fn has_links(&self) -> bool {
        self.open.now() < self.others
    }

    /// Whether nobody but who has extras keeps another client from its seat.
    pub(crate) fn extras_take_seats(&self) -> bool {
        self.seats.now() < self.clients && self.extras.now() > 0
    }

    /// Has every worker close the connections that it keeps unused, when it looks next.
    pub(crate) fn ask_for_links(&self) {
        self.links_wanted.add(1);
    }

    /// The same of what it keeps unused that counts as extra.
    pub(crate) fn ask_for_extras(&self) {
        self.extras_wanted.add(1);
    }

    /// How often that was asked.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted { links: self.links_wanted.now(), extras: self.extras_wanted.now() }
    }

    fn share(self: &Arc<Self>, seats: u64, extras: u64, open: u64) -> Share {
        // Given back at once where it is too much: in between another worker may be refused early, never late.
        for (count, more) in [(&self.seats, seats), (&self.extras, extras), (&self.open, open)] {
            if more > 0 {
                count.add(more);
            }
        }
        Share { of: self.clone(), seats, extras, open, of_reserve: 0 }
    }

    fn honours_claims(&self) -> bool {
        self.seats.now() + self.extras.now() <= self.others
    }

    /// A quarter is never for extras: newcomers find it.
    fn leaves_room(&self) -> bool {
        self.honours_claims() && self.extras.now() <= self.others - self.others / 4
    }

    fn is_within(&self) -> bool {
        self.open.now() <= self.others
    }
}

impl Counter {
    fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// What it says then.
    fn add(&self, more: u64) -> u64 {
        self.0.fetch_add(more, Ordering::SeqCst) + more
    }

    fn take(&self, less: u64) {
        self.0.fetch_sub(less, Ordering::SeqCst);
    }
}

impl Share {
    /// Whether it is one of what goes beyond claims.
    pub(crate) fn is_extra(&self) -> bool {
        self.extras > 0
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Share { of, seats, extras, open, of_reserve } = self;
        let all =
            [(&of.seats, *seats), (&of.extras, *extras), (&of.open, *open), (&of.of_reserve, *of_reserve)];
        for (count, less) in all {
            if less > 0 {
                count.take(less);
            }
        }
    }
}

/// What the system says where there are no more.
pub(crate) fn exhausted() -> io::Error {
    Errno::MFILE.into()
}

/// Whether a connection failed for want of something of this machine's: the other side is not to blame.
pub(crate) fn is_ours(error: &io::Error) -> bool {
    const OURS: [Errno; 5] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::ADDRNOTAVAIL];
    Errno::from_io_error(error).is_some_and(|error| OURS.contains(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many(take: impl FnMut() -> Option<Share>) -> Vec<Share> {
        std::iter::from_fn(take).take(10_000).collect()
    }

    #[test]
    fn some_descriptors_are_left_whatever_the_limit() {
        let clients = |files| Descriptors::new(files, 0).most_clients();
        assert_eq!([0, 64, 1_024, 4_096, 1 << 20].map(clients), [1, 24, 384, 1_920, 524_160]);
        assert_eq!(Descriptors::new(4_096, 1_024).most_clients(), 1_408);
    }

    #[test]
    fn a_seat_is_taken_once_and_free_again() {
        let descriptors = Descriptors::new(8, 0);
        let held = many(|| descriptors.seat());
        assert_eq!(held.len(), 3);
        assert!(descriptors.seat().is_none() && descriptors.seat().is_none());
        drop(held);
        assert!(descriptors.seat().is_some());
    }

    #[test]
    fn what_goes_beyond_takes_nothing_from_those_who_have_a_seat() {
        let descriptors = Descriptors::new(256, 0);
        let early: Vec<Share> = many(|| descriptors.seat()).into_iter().take(60).collect();
        let extras = many(|| descriptors.extra());
        assert_eq!(extras.len(), 36);
        assert!(descriptors.seat().is_none() && descriptors.pipe().is_none());
        // Each of them, and whatever was let in besides, may have its connection; there is none for anybody else.
        let links = many(|| descriptors.link());
        assert!(links.len() >= early.len() + extras.len());
        assert!(descriptors.spare_link().is_none());
        let taken = early.len() as u64 + descriptors.open.now();
        assert!(taken <= 256 - 64);
    }

    #[test]
    fn newcomers_find_a_seat_whatever_few_ask_for() {
        let descriptors = Descriptors::new(256, 0);
        let _early = descriptors.seat().unwrap();
        let (extras, pipes) = (many(|| descriptors.extra()), many(|| descriptors.pipe()));
        assert_eq!((extras.len(), pipes.len()), (72, 0));
        assert_eq!(many(|| descriptors.seat()).len(), 23);
    }

    #[test]
    fn a_pipe_costs_both_its_ends() {
        let descriptors = Descriptors::new(256, 0);
        let pipes = many(|| descriptors.pipe());
        assert_eq!(pipes.len(), 36);
        drop(pipes);
        assert!(!descriptors.extras_take_seats() && many(|| descriptors.link()).len() == 96);
    }

    #[test]
    fn what_is_shared_counts_beyond_claims_but_for_a_few() {
        let descriptors = Descriptors::new(256, 0);
        let full = many(|| descriptors.seat());
        let few = many(|| descriptors.shared_link());
        assert_eq!((few.len(), few.iter().any(Share::is_extra)), (16, false));
        assert!(!descriptors.extras_take_seats(), "it is the clients themselves");
        drop(full);
        let more = many(|| descriptors.shared_link());
        assert_eq!((more.len(), more.iter().all(Share::is_extra)), (72, true));
        assert_eq!(many(|| descriptors.seat()).len(), 24);
        assert!(descriptors.extras_take_seats() && descriptors.has_links());
        drop((few, more));
        assert_eq!(many(|| descriptors.shared_link()).len(), 88);
    }

    #[test]
    fn what_the_machine_lacks_is_nobodys_fault() {
        assert!(is_ours(&exhausted()) && is_ours(&io::Error::from_raw_os_error(99)));
        assert!(
            !is_ours(&io::ErrorKind::ConnectionRefused.into())
                && !is_ours(&io::Error::from_raw_os_error(111))
        );
    }
}
