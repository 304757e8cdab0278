//! The app behind the gateway: everything that can last, in one program. It knows nothing of Tidegate but `$PORT`, its
//! variables and SIGTERM, and tells who it is in `x-app-instance`.

mod body;
mod events;
mod files;
mod rpc;
mod seen;
mod web;
mod websocket;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use seen::SeenLog;

/// The field that names the instance.
pub const INSTANCE: &str = "x-app-instance";
const BACKLOG: u32 = 4_096;
/// How long what is open may take once it was told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// What an instance is.
#[derive(Debug)]
struct App {
    /// Version and a number of its own.
    name: String,
    version: String,
    seen: SeenLog,
    stopping: watch::Receiver<bool>,
}

/// Serves until SIGTERM. `rpc`: gRPC over HTTP/2, instead of everything else over HTTP/1.1.
pub fn serve(rpc: bool) -> io::Result<()> {
    let variable = |name| std::env::var(name).unwrap_or_default();
    let port: u16 = variable("PORT").parse().map_err(io::Error::other)?;
    let version = variable("VERSION");
    let name = format!("{version}.{:06x}", RandomState::new().hash_one(port) & 0xff_ffff);
    let seen = SeenLog::open(&variable("SEEN_LOG"), &name)?;
    let (stop, stopping) = watch::channel(false);
    let app = Arc::new(App { name, version, seen, stopping });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(app, port, rpc, stop))
}

async fn run(app: Arc<App>, port: u16, rpc: bool, stop: watch::Sender<bool>) -> io::Result<()> {
    let listener = listen(port)?;
    let mut told = signal(SignalKind::terminate())?;
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                open.spawn(connection(app.clone(), stream, rpc));
            }
            Some(_) = open.join_next() => {}
            _ = told.recv() => break,
        }
    }
    drop(listener);
    stop.send_replace(true);
    let all = async { while open.join_next().await.is_some() {} };
    // What is open after that was to be gone by now: its client sees it cut.
    let _ = tokio::time::timeout(GRACE, all).await;
    Ok(())
}

fn listen(port: u16) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], port)))?;
    socket.listen(BACKLOG)
}

/// One connection; once the instance is told to stop, what is under way is the last on it.
async fn connection(app: Arc<App>, stream: TcpStream, rpc: bool) {
    let _ = stream.set_nodelay(true);
    let io = TokioIo::new(stream);
    let mut stopping = app.stopping.clone();
    let stopped = async { drop(stopping.wait_for(|stopping| *stopping).await) };
    // A client that goes away is nothing to tell of.
    if rpc {
        let service = service_fn(|request| rpc::answer(app.clone(), request));
        let mut builder = http2::Builder::new(TokioExecutor::new());
        let mut connection = pin!(builder.timer(TokioTimer::new()).serve_connection(io, service));
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stopped => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    } else {
        let service = service_fn(|request| web::answer(app.clone(), request));
        let connection = http1::Builder::new().timer(TokioTimer::new()).serve_connection(io, service);
        let mut connection = pin!(connection.with_upgrades());
        tokio::select! {
            _ = connection.as_mut() => return,
            () = stopped => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}
