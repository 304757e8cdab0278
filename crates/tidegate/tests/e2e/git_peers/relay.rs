//! A way to a server that stops in the middle: it passes so many bytes on; the others get lost.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// See the module. It listens until the test's process ends.
pub struct Relay {
    pub address: SocketAddr,
    passed: Arc<AtomicU64>,
}

impl Relay {
    /// One to a server; of each connection so many bytes get there.
    pub fn to(server: SocketAddr, most: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, passed) = (listener.local_addr().unwrap(), Arc::<AtomicU64>::default());
        let counted = passed.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(server) else { continue };
                let back = (server.try_clone().unwrap(), client.try_clone().unwrap());
                let counted = counted.clone();
                thread::spawn(move || pass(client, server, most, &counted));
                thread::spawn(move || pass(back.0, back.1, u64::MAX, &AtomicU64::new(0)));
            }
        });
        Relay { address, passed }
    }

    /// The most that any connection has passed on.
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::SeqCst)
    }
}

/// From one to the other until one of them closes; both are closed then.
fn pass(mut from: TcpStream, mut to: TcpStream, most: u64, passed: &AtomicU64) {
    let (mut buffer, mut all) = ([0; 16 << 10], 0);
    while let Ok(read) = from.read(&mut buffer) {
        let on = read.min(usize::try_from(most - all).unwrap_or(usize::MAX));
        if read == 0 || to.write_all(&buffer[..on]).is_err() {
            break;
        }
        all += on as u64;
        passed.fetch_max(all, Ordering::SeqCst);
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
