//! A floor by io_uring: what passing bytes on costs when the kernel is told of many reads and writes with one call.
//!
//! A client's connection gets an upstream connection of its own, each app in turn. Every socket is read by one operation
//! that goes on for ever, into buffers the kernel picks; what it read is sent on from there. One thread; completions are
//! worked off where the thread waits for them and nowhere else.
#![expect(
    unsafe_code,
    reason = "the crate's queues are unsafe to fill; this floor is no part of the product"
)]

mod buffers;
mod pair;

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use io_uring::types::Fixed;
use io_uring::{IoUring, SubmissionQueue, Submitter, cqueue, opcode, squeue};
use nix::errno::Errno;
use nix::libc;

use buffers::{Buffers, GROUP};
use pair::Pair;

/// Operations told of at once, and results that may wait.
const ENTRIES: u32 = 1024;
const RESULTS: u32 = 8 * ENTRIES;
/// Sockets at once.
const FILES: u32 = 16 * 1024;

/// What a result is of: the number of a pair and its end, and whether it was read there or sent to the other.
#[derive(Clone, Copy, Debug)]
enum Of {
    Accept,
    Read(u32, usize),
    Sent(u32, usize),
}

impl Of {
    fn word(self) -> u64 {
        match self {
            Of::Accept => u64::MAX,
            Of::Read(pair, end) => u64::from(pair) << 2 | (end as u64) << 1,
            Of::Sent(pair, end) => u64::from(pair) << 2 | (end as u64) << 1 | 1,
        }
    }

    fn parse(word: u64) -> Self {
        let (pair, end) = ((word >> 2) as u32, (word >> 1 & 1) as usize);
        match word {
            u64::MAX => Of::Accept,
            _ if word & 1 == 0 => Of::Read(pair, end),
            _ => Of::Sent(pair, end),
        }
    }
}

/// Forwards until the process is ended.
pub fn run(listen: SocketAddr, to: &[SocketAddr]) -> io::Result<()> {
    let mut ring = IoUring::builder()
        .setup_single_issuer()
        .setup_defer_taskrun()
        .setup_coop_taskrun()
        .setup_no_sqarray()
        .setup_submit_all()
        .setup_cqsize(RESULTS)
        .build(ENTRIES)?;
    let listener = TcpListener::bind(listen)?;
    let (mut submitter, queue, mut results) = ring.split();
    submitter.register_ring_fd()?;
    submitter.register_files_sparse(FILES)?;
    let buffers = Buffers::register(&submitter)?;
    let free = (0..FILES / 2).rev().collect();
    let mut floor = Floor {
        listener,
        to: to.to_vec(),
        submitter,
        queue,
        buffers,
        pairs: HashMap::new(),
        free,
        opened: 0,
    };
    floor.accept()?;
    loop {
        floor.queue.sync();
        match floor.submitter.submit_and_wait(1) {
            Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            waited => drop(waited?),
        }
        results.sync();
        for result in &mut results {
            floor.on_result(&result)?;
        }
        floor.buffers.publish();
    }
}

struct Floor<'a> {
    listener: TcpListener,
    to: Vec<SocketAddr>,
    submitter: Submitter<'a>,
    queue: SubmissionQueue<'a>,
    buffers: Buffers,
    pairs: HashMap<u32, Pair>,
    /// Numbers of pairs that are not in use: the sockets of one have twice its number, and one more.
    free: Vec<u32>,
    opened: usize,
}

impl Floor<'_> {
    fn accept(&mut self) -> io::Result<()> {
        let accept = opcode::AcceptMulti::new(io_uring::types::Fd(self.listener.as_raw_fd()));
        self.push(&accept.flags(libc::SOCK_CLOEXEC).build(), Of::Accept)
    }

    fn on_result(&mut self, result: &cqueue::Entry) -> io::Result<()> {
        let more = cqueue::more(result.flags());
        match Of::parse(result.user_data()) {
            Of::Accept => {
                if result.result() >= 0 {
                    // SAFETY: the kernel has just opened it for us.
                    let client = unsafe { OwnedFd::from_raw_fd(result.result()) };
                    self.open(client.into())?;
                }
                if more { Ok(()) } else { self.accept() }
            }
            Of::Read(number, end) => {
                let buffer = cqueue::buffer_select(result.flags());
                self.on_read(number, end, (result.result(), buffer, more))?;
                self.close(number)
            }
            Of::Sent(number, end) => {
                self.on_sent(number, end, result.result())?;
                self.close(number)
            }
        }
    }

    fn open(&mut self, client: TcpStream) -> io::Result<()> {
        let Some(number) = self.free.pop() else { return Ok(()) };
        let upstream = TcpStream::connect(self.to[self.opened % self.to.len()])?;
        client.set_nodelay(true)?;
        upstream.set_nodelay(true)?;
        self.submitter.register_files_update(2 * number, &[client.as_raw_fd(), upstream.as_raw_fd()])?;
        self.pairs.insert(number, Pair::new([client, upstream]));
        self.opened += 1;
        self.receive(number, 0)?;
        self.receive(number, 1)
    }

    fn receive(&mut self, number: u32, end: usize) -> io::Result<()> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        pair.open += 1;
        let receive = opcode::RecvMulti::new(Fixed(2 * number + end as u32), GROUP);
        self.push(&receive.build(), Of::Read(number, end))
    }

    fn on_read(
        &mut self,
        number: u32,
        end: usize,
        (count, buffer, more): (i32, Option<u16>, bool),
    ) -> io::Result<()> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        pair.open -= u32::from(!more);
        match (count, buffer) {
            (1.., Some(id)) => {
                if pair.read(end, (id, count as u32)) {
                    self.send(number, end, (id, count as u32))?;
                }
            }
            // Buffers are on their way out: they are given back before this is tried again.
            (count, _) if count == -(Errno::ENOBUFS as i32) => {}
            (0, _) => {
                pair.end(end);
                pair.pass_end(end);
            }
            _ => pair.cut(),
        }
        let stopped = self.pairs.get(&number).is_some_and(|pair| !more && pair.is_open(end));
        if stopped { self.receive(number, end) } else { Ok(()) }
    }

    fn send(&mut self, number: u32, end: usize, (id, count): (u16, u32)) -> io::Result<()> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        pair.open += 1;
        let to = Fixed(2 * number + 1 - end as u32);
        let send = opcode::Send::new(to, self.buffers.at(id), count);
        self.push(&send.flags(libc::MSG_NOSIGNAL | libc::MSG_WAITALL).build(), Of::Sent(number, end))
    }

    fn on_sent(&mut self, number: u32, end: usize, sent: i32) -> io::Result<()> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        pair.open -= 1;
        let (out, next) = pair.sent(end);
        if let Some(id) = out {
            self.buffers.give(id);
        }
        if sent < 0 {
            pair.cut();
            while let (Some(id), _) = pair.sent(end) {
                self.buffers.give(id);
            }
            return Ok(());
        }
        pair.pass_end(end);
        next.map_or(Ok(()), |piece| self.send(number, end, piece))
    }

    fn close(&mut self, number: u32) -> io::Result<()> {
        if self.pairs.get(&number).is_some_and(Pair::is_over) {
            self.submitter.register_files_update(2 * number, &[-1, -1])?;
            self.pairs.remove(&number);
            self.free.push(number);
        }
        Ok(())
    }

    fn push(&mut self, entry: &squeue::Entry, of: Of) -> io::Result<()> {
        let entry = entry.clone().user_data(of.word());
        // SAFETY: what an entry points to is a buffer, and buffers are never freed.
        while unsafe { self.queue.push(&entry) }.is_err() {
            self.queue.sync();
            self.submitter.submit()?;
            self.queue.sync();
        }
        Ok(())
    }
}
