//! Who asks, for the audit log: around every request that may change something, and at the door for those who are turned away.
//!
//! Inside the guard stands [`attempt`]: it puts the caller around the handler, so that the control plane's entry says who it was, and
//! enters by itself what never got there: a body that cannot be read, a wrong path. So no endpoint that changes something can be without an
//! entry. Outside of everything stands [`mod@door`], which counts refusals of those who did not get in.

mod commands;
mod door;

use std::future::Future;

use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;
use tidegate_control::audit::Call;
use tidegate_core::access::{Caller, Origin, Who};
use tidegate_core::audit::{Deed, Outcome};

use super::Shared;
use super::endpoint::Endpoint;
use super::guard::Peer;
use commands::{Told, told};
pub(super) use door::{Away, door, keep_telling};

tokio::task_local! {
    /// The request that this task answers.
    static NOW: Option<Call>;
}

/// How a refusal is known to the layers around it. In the extensions of its response.
#[derive(Clone, Debug)]
pub(super) struct RefusedAs {
    /// The refusal's code.
    pub(super) code: String,
    /// The rule that refused; `None`: none has a name.
    pub(super) rule: Option<String>,
    /// Whether it was the machine's fault, or a bug.
    pub(super) failed: bool,
}

/// That the log has an entry of it. In the extensions of a response.
#[derive(Clone, Copy, Debug)]
struct Entered;

/// Says that the control plane has entered it by itself.
pub(super) fn entered_by_the_desk(response: &mut Response) {
    response.extensions_mut().insert(Entered);
}

/// What stands around an endpoint.
#[derive(Clone)]
struct Watched {
    shared: Shared,
    id: &'static str,
}

/// The handler of an endpoint, watched where it may change something.
pub(super) fn watched(shared: &Shared, endpoint: Endpoint) -> MethodRouter<Shared> {
    if endpoint.method == "get" || told(endpoint.id) == Told::Never {
        return endpoint.handler;
    }
    let watched = Watched { shared: shared.clone(), id: endpoint.id };
    endpoint.handler.route_layer(from_fn_with_state(watched, attempt))
}

/// The call that this task answers.
pub(super) fn now() -> Option<Call> {
    NOW.try_with(Clone::clone).ok().flatten()
}

/// The same work for a task of its own that answers the same call.
pub(super) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    NOW.scope(now(), work)
}

async fn attempt(
    State(Watched { shared, id }): State<Watched>,
    parts: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let caller = request.extensions().get::<Caller>().cloned().unwrap_or_else(|| nobody(&request));
    let deed = commands::deed(id, parts.as_ref().ok(), request.uri().query()).by(&caller);
    let call = Call::of(caller);
    let mut response = NOW.scope(Some(call.clone()), next.run(request)).await;
    if told(id) == Told::Done && !response.status().is_success() {
        return response;
    }
    // Who has just logged in was a stranger before.
    let deed = match response.extensions().get::<Caller>() {
        Some(caller) => deed.by(caller),
        None => deed,
    };
    if !call.is_told()
        && let Some(outcome) = left_over(id, &response)
    {
        enter(&shared, vec![deed.ended(outcome)]).await;
    }
    response.extensions_mut().insert(Entered);
    response
}

/// Whoever got past the guard without it having said who they are: they are about to log in.
fn nobody(request: &Request) -> Caller {
    let from = match request.extensions().get::<Peer>() {
        Some(Peer::Tcp(_, address)) => Origin::Address(*address),
        Some(Peer::Unix { uid }) => Origin::Socket { uid: *uid },
        None => Origin::Within,
    };
    Caller { who: Who::Stranger, from }
}

/// What came of a request that the control plane has not entered; `None`: it enters it by itself, now or later.
fn left_over(id: &str, response: &Response) -> Option<Outcome> {
    if response.status().is_success() {
        return (told(id) != Told::Later).then_some(Outcome::Done);
    }
    let Some(refused) = response.extensions().get::<RefusedAs>() else {
        return Some(Outcome::Refused { code: response.status().as_u16().to_string(), rule: None });
    };
    // The loop has it, or nobody ever will.
    if ["control::stuck", "control::stopping"].contains(&refused.code.as_str()) {
        return None;
    }
    Some(outcome_of(refused))
}

fn outcome_of(refused: &RefusedAs) -> Outcome {
    let RefusedAs { code, rule, failed } = refused.clone();
    if failed { Outcome::Failed { code } } else { Outcome::Refused { code, rule } }
}

/// Enters what the control plane does not enter by itself.
pub(super) async fn enter(shared: &Shared, deeds: Vec<Deed>) {
    if deeds.is_empty() {
        return;
    }
    let noted = super::ask::ask(shared, move |plane| plane.audit().audit_note(deeds)).await;
    if let Err(refused) = noted {
        tracing::error!(error = %refused.into_refusal(), "what was asked could not be entered into the audit log");
    }
}
