//! The app behind every endpoint: answers each request at once, on one thread.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nanswered";

/// Serves until it is dropped.
pub struct Apps {
    pub addresses: Vec<SocketAddr>,
    _stop: oneshot::Sender<()>,
}

/// Apps on so many free ports.
pub fn serve(many: usize) -> Apps {
    let bind = |_| std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listeners: Vec<_> = (0..many).map(bind).collect();
    let addresses = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let (stop, stopped) = oneshot::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for listener in listeners {
                listener.set_nonblocking(true).unwrap();
                tokio::spawn(accept(TcpListener::from_std(listener).unwrap()));
            }
            let _ = stopped.await;
        });
    });
    Apps { addresses, _stop: stop }
}

async fn accept(listener: TcpListener) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream));
    }
}

/// The requests have no bodies: each ends with an empty line.
async fn answer(mut stream: TcpStream) {
    let mut heard = Vec::new();
    while stream.read_buf(&mut heard).await.is_ok_and(|read| read > 0) {
        if heard.ends_with(b"\r\n\r\n") {
            heard.clear();
            if stream.write_all(ANSWER).await.is_err() {
                return;
            }
        }
    }
}
