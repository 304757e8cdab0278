//! Watching units: one thread that holds every connection to a shim and every probe in flight.
//!
//! The backend talks to it through [`Watch`]; what it has seen stands on the [`Board`]. It decides nothing about units:
//! the probe machine of the core says what to ask and what the answers mean.

mod ask;
mod board;
mod linger;
mod turn;
mod unit;

use std::io::{self, PipeReader, PipeWriter, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tidegate_core::model::InstanceId;

pub(super) use board::{Board, Sight};
pub(super) use unit::Watched;

use super::config::Waker;
use super::message::ToShim;

/// What the backend tells the thread.
pub(super) enum Order {
    /// A unit was started or found.
    Watch(Box<Watched>),
    /// A message for its shim. After this many milliseconds without an end the shim is killed.
    Send { id: InstanceId, generation: u64, message: ToShim, within_ms: u64 },
    /// It is not wanted any more: killed if it runs, its directory removed.
    Forget { id: InstanceId, generation: u64 },
    /// The backend is closed. Units go on.
    Quit,
}

/// The thread.
pub(super) struct Watch {
    orders: Sender<Order>,
    bell: PipeWriter,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn begin(board: Arc<Mutex<Board>>, waker: Waker) -> io::Result<Watch> {
        let (bell_heard, bell) = io::pipe()?;
        let (orders, taken) = channel();
        let inbox = Inbox { orders: taken, bell: bell_heard };
        let run = move || turn::Turn::new(inbox, board, waker).run();
        let thread = std::thread::Builder::new().name("units".to_owned()).spawn(run)?;
        Ok(Watch { orders, bell, thread: Some(thread) })
    }

    pub(super) fn order(&self, order: Order) {
        // The thread ends only after `Quit`, which is the last order there is.
        if self.orders.send(order).is_ok() {
            let _ = (&self.bell).write_all(b"!");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.order(Order::Quit);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The thread's end of it.
struct Inbox {
    orders: Receiver<Order>,
    bell: PipeReader,
}
