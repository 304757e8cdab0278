//! Clients and apps of HTTP/2, by the `h2` crate.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::{RecvStream, client, server};
use http::Request;
use tokio::net::{TcpListener, TcpStream};

/// Runs a test that waits.
pub fn on_runtime(test: impl Future<Output = ()>) {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().unwrap().block_on(test);
}

pub async fn connect(address: SocketAddr) -> client::SendRequest<Bytes> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) = client::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// An app whose every request is handed to `answer`.
pub async fn app<F: Future<Output = ()> + Send + 'static>(
    answer: fn(Request<RecvStream>, server::SendResponse<Bytes>) -> F,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut connection = server::handshake(stream).await.unwrap();
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::spawn(answer(request, respond));
                }
            });
        }
    });
    address
}
