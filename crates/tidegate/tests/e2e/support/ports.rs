//! Addresses to listen on that nobody else uses.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

static NEXT: AtomicU16 = AtomicU16::new(0);
const FIRST: u16 = 10_000;
const MANY: u16 = 10_000;

/// An address that is not given out twice, below the ports that the system gives out by itself: it stays free while
/// nobody listens on it for a moment.
pub fn free_address() -> SocketAddr {
    let begin = (std::process::id() % 1_000) as u16 * 10;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(step < MANY, "no port is free");
        let address = SocketAddr::from(([127, 0, 0, 1], FIRST + (begin + step) % MANY));
        if TcpListener::bind(address).is_ok() {
            return address;
        }
    }
}
