//! The listening sockets: one per worker on the same address, among which the kernel spreads connections.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

const BACKLOG: i32 = 4096;

/// Binds a listener for each worker. With port 0 the kernel chooses one port for all.
pub(crate) fn bind_all(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    refuse_taken(address)?;
    let first = bind(address)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(bind(address)?);
    }
    Ok(listeners)
}

/// A shared port would be shared with another gateway too, silently. An exclusive bind fails while anybody has it.
fn refuse_taken(address: SocketAddr) -> io::Result<()> {
    socket(address)?.bind(&address.into())
}

/// One more listener on an address that is shared.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of an earlier gateway that wait out their time do not keep the port.
    socket.set_reuse_address(true)?;
    // Accepted connections have it from their listener.
    socket.set_tcp_nodelay(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_refused_even_by_another_gateway() {
        let held = bind_all("127.0.0.1:0".parse().unwrap(), 2).unwrap();
        let address = held[0].local_addr().unwrap();
        assert_eq!(held[1].local_addr().unwrap(), address);
        assert_eq!(bind_all(address, 1).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    }
}
