//! Those who are turned away at the door. They are counted, so that a flood of them is two entries a minute.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use tidegate_core::access::{Caller, Origin, Who};
use tidegate_core::audit::{Deed, Turned, TurnedAway};
use tokio::sync::watch;

use super::{Entered, RefusedAs, enter};
use crate::server::guard::Peer;
use crate::server::{Shared, now_ms};

/// Between two looks whether a minute is over.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Who was turned away since the log was last told.
#[derive(Debug, Default)]
pub(in crate::server) struct Away(Mutex<TurnedAway>);

impl Away {
    fn with(&self, work: impl FnOnce(&mut TurnedAway) -> Vec<Deed>) -> Vec<Deed> {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Over all routes, outside of their guards. A guard that refuses somebody it knows puts their [`Caller`] into the response's extensions.
pub(in crate::server) async fn door(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    let from = origin_of(request.extensions().get::<Peer>());
    // Git's clients ask without a token first, and again with it.
    let challenged = !request.headers().contains_key(header::AUTHORIZATION);
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    if let Some(turned) = turned(&response, from, challenged, &path) {
        let told = shared.away.with(|away| away.count(turned, now_ms()));
        enter(&shared, told).await;
    }
    response
}

fn turned(response: &Response, from: Origin, challenged: bool, path: &str) -> Option<Turned> {
    let status = response.status();
    if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
        || response.extensions().get::<Entered>().is_some()
    {
        return None;
    }
    let refused = response.extensions().get::<RefusedAs>().cloned();
    let refused = match refused {
        Some(refused) => refused,
        // What is no refusal of the API is Git's.
        None if challenged => return None,
        None => RefusedAs { code: "api::unauthorized".to_owned(), rule: None, failed: false },
    };
    let caller = response.extensions().get::<Caller>();
    Some(Turned {
        who: caller.map_or(Who::Stranger, |caller| caller.who.clone()),
        from: caller.map_or(from, |caller| caller.from),
        code: refused.code,
        rule: refused.rule,
        // A stranger may write anything into a path, and as many of them as they like.
        command: if caller.is_some() { path.to_owned() } else { "knock".to_owned() },
        app: None,
        environment: None,
    })
}

fn origin_of(peer: Option<&Peer>) -> Origin {
    match peer {
        Some(Peer::Tcp(_, address)) => Origin::Address(network(*address)),
        Some(Peer::Unix { uid }) => Origin::Socket { uid: *uid },
        None => Origin::Within,
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) if address.is_loopback() => IpAddr::V6(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

/// Tells the log of those whose minute is over, and of all when the server ends.
pub(in crate::server) async fn keep_telling(shared: Shared, mut ending: watch::Receiver<bool>) {
    loop {
        let over = tokio::time::timeout(LOOK_EVERY, ending.wait_for(|ending| *ending)).await.is_ok();
        let told = shared.away.with(|away| if over { away.all() } else { away.due(now_ms()) });
        enter(&shared, told).await;
        if over {
            return;
        }
    }
}
