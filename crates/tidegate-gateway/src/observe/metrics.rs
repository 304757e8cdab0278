//! `/metrics` from the gateway itself, so that it is there with the control plane dead. On an address of its own and on the
//! control side's thread: no worker is asked anything.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tidegate_core::exposition::{CONTENT_TYPE, exposition};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tracing::Level;

use crate::epochs::Epochs;
use crate::guest::Guest;

/// How many connections are served at once.
const MOST_CONNECTIONS: usize = 16;
/// How long one may take.
const LONGEST: Duration = Duration::from_secs(30);
const HEAD_WITHIN: Duration = Duration::from_secs(5);

/// How long an address that is taken is left alone.
const BIND_EVERY: Duration = Duration::from_millis(500);
/// So often in a row it may be the gateway before this one, which ends when it has answered its last request.
const OF_ELDERS: u32 = 240;

/// Serves for as long as the runtime runs.
pub(crate) async fn serve(address: SocketAddr, epochs: Arc<Epochs>, guest: Option<Arc<dyn Guest>>) {
    let listener = bind(address).await;
    let seats = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    while let Ok(seat) = seats.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (epochs, guest) = (epochs.clone(), guest.clone());
                tokio::spawn(async move {
                    // A scraper that goes away or dawdles is no event of ours.
                    let _ = tokio::time::timeout(LONGEST, converse(stream, epochs, guest)).await;
                    drop(seat);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection for metrics");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Users' requests come first: while the address is taken the gateway serves without metrics.
async fn bind(address: SocketAddr) -> TcpListener {
    let mut tried = 0_u32;
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(error) => match loudness(tried, is_taken(&error)) {
                Some(Level::ERROR) => tracing::error!(%address, %error, "metrics are not served yet"),
                Some(_) => tracing::info!(%address, %error, "metrics are not served yet"),
                None => {}
            },
        }
        tried = tried.saturating_add(1);
        tokio::time::sleep(BIND_EVERY).await;
    }
}

/// How loud it is said that they are not served; `None`: not again.
fn loudness(tried: u32, taken: bool) -> Option<Level> {
    match (tried, taken) {
        (0, true) => Some(Level::INFO),
        (0, false) | (OF_ELDERS, true) => Some(Level::ERROR),
        _ => None,
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::AddrInUse
}

async fn converse(
    stream: TcpStream,
    epochs: Arc<Epochs>,
    guest: Option<Arc<dyn Guest>>,
) -> hyper::Result<()> {
    let text = || {
        let of_guest = guest.as_ref().map_or(String::new(), |guest| guest.metrics());
        exposition(&epochs.counts(), &epochs.mirrors()) + &of_guest
    };
    let service = service_fn(|request| std::future::ready(Ok::<_, Infallible>(answer(&request, text))));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(16 * 1024);
    builder.serve_connection(TokioIo::new(stream), service).await
}

fn answer<B>(request: &Request<B>, text: impl Fn() -> String) -> Response<Full<Bytes>> {
    let found = request.uri().path() == "/metrics";
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, text) = match (found, read) {
        (true, true) => (StatusCode::OK, text()),
        (true, false) => (StatusCode::METHOD_NOT_ALLOWED, "GET it.\n".to_owned()),
        (false, _) => (StatusCode::NOT_FOUND, "There is /metrics only.\n".to_owned()),
    };
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(CONTENT_TYPE));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_the_gateway_before_has_is_no_error_unless_it_stays_so() {
        let said = |taken| -> Vec<(u32, Level)> {
            (0..2 * OF_ELDERS).filter_map(|tried| Some((tried, loudness(tried, taken)?))).collect()
        };
        assert_eq!(said(true), [(0, Level::INFO), (OF_ELDERS, Level::ERROR)]);
        assert_eq!(said(false), [(0, Level::ERROR)]);
    }
}
