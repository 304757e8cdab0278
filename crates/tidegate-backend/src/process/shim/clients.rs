//! Who is connected to the shim: the control plane, and at times one that stops everything.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use crate::Sealed;
use crate::process::message::{FromShim, Inbox, ToShim, send};

/// More connections than anybody needs.
const MOST: usize = 8;

/// The listening socket and its connections.
pub(super) struct Clients {
    listener: UnixListener,
    connected: Vec<Client>,
}

struct Client {
    stream: UnixStream,
    inbox: Inbox,
    open: bool,
    /// Whether it was told the state.
    greeted: bool,
}

impl Clients {
    pub(super) fn new(listener: UnixListener) -> Clients {
        Clients { listener, connected: Vec::new() }
    }

    /// What was said first, before we ran: what is secret of the environment. `None`: that was something else, or nothing.
    pub(super) fn sealed(&mut self) -> io::Result<Option<Sealed>> {
        let (stream, _) = self.listener.accept()?;
        stream.set_nonblocking(true)?;
        let mut client = Client { stream, inbox: Inbox::default(), open: true, greeted: false };
        let (said, open) = client.inbox.receive(&client.stream);
        client.open = open;
        self.connected.push(client);
        Ok(said.into_iter().find_map(|message| match message {
            ToShim::Sealed(sealed) => Some(sealed),
            ToShim::Stop { .. } | ToShim::Kill | ToShim::Check { .. } => None,
        }))
    }

    pub(super) fn fds(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.listener.as_fd())
            .chain(self.connected.iter().map(|client| client.stream.as_fd()))
    }

    /// Takes new connections, and greets each with the state.
    pub(super) fn accept(&mut self, state: &FromShim) {
        for client in self.connected.iter_mut().filter(|client| !client.greeted) {
            client.greeted = true;
            let _ = send(&client.stream, state).inspect_err(complain);
        }
        while let Ok((stream, _)) = self.listener.accept() {
            if self.connected.len() >= MOST {
                // The longest connected is the likeliest to have been forgotten.
                self.connected.remove(0);
            }
            if let Err(error) = stream.set_nonblocking(true) {
                complain(&error);
                continue;
            }
            // One that has hung up already may still have said something: its end is seen when it is read.
            let _ = send(&stream, state).inspect_err(complain);
            self.connected.push(Client { stream, inbox: Inbox::default(), open: true, greeted: true });
        }
    }

    /// What they said.
    pub(super) fn receive(&mut self) -> Vec<ToShim> {
        let mut said = Vec::new();
        for client in &mut self.connected {
            let (messages, open) = client.inbox.receive(&client.stream);
            said.extend(messages);
            client.open &= open;
        }
        self.connected.retain(|client| client.open);
        said
    }

    /// Tells everybody. One who does not read is dropped, and will connect again.
    pub(super) fn tell(&mut self, message: &FromShim) {
        self.connected.retain(|client| send(&client.stream, message).inspect_err(complain).is_ok());
    }
}

fn complain(error: &io::Error) {
    tracing::debug!(%error, "a client of the shim was dropped");
}
