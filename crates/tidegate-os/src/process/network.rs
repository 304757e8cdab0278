//! A network of a process's own: nothing is in it but its own loopback.

use std::io;

use nix::libc;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use std::os::fd::AsRawFd;

/// Whether a process can be given a network of its own here: tried on a thread that ends with it.
///
/// # Errors
/// Why not: `PermissionDenied` without the right to make one.
pub fn can_be_offline() -> io::Result<()> {
    let tried = std::thread::Builder::new().name("network".to_owned()).spawn(leave_the_network)?;
    tried.join().unwrap_or_else(|_| Err(io::Error::other("trying it panicked")))
}

/// Takes the calling thread into a network of its own, where it reaches itself and what it starts at 127.0.0.1.
pub(super) fn leave_the_network() -> io::Result<()> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    raise_loopback()
}

fn raise_loopback() -> io::Result<()> {
    let socket = socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?;
    // SAFETY: the request is plain data, for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(b"lo") {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the kernel reads an `ifreq` behind this number, and `request` is one that lives through the call.
    let done = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &raw const request) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_network_of_its_own_has_a_loopback_and_nothing_of_ours() {
        if let Err(error) = can_be_offline() {
            println!("skipped: {error}");
            return;
        }
        let outside = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = outside.local_addr().unwrap();
        TcpStream::connect(address).unwrap();
        let inside = std::thread::spawn(move || {
            leave_the_network().unwrap();
            assert!(TcpStream::connect(address).is_err(), "it reaches ours");
            let own = TcpListener::bind("127.0.0.1:0").unwrap();
            TcpStream::connect(own.local_addr().unwrap()).unwrap();
        });
        inside.join().unwrap();
        TcpStream::connect(address).unwrap();
    }
}
