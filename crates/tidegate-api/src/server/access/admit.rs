//! The layer: lets a request through to its handler, or refuses it with the rule that says so.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tidegate_control::RefusalKind;
use tidegate_control::access::{Asked, forbidden};
use tidegate_core::access::{Caller, Holder, Who};

use super::Decided;
use super::asker::Asker;
use super::need::{At, Need};
use super::request::Said;
use crate::server::Shared;
use crate::server::extract::json_bytes;
use crate::server::problem::Refused;
use crate::server::server_key::came_by_key;

/// Over one endpoint, after it is known who asks.
pub(in crate::server) async fn admit(
    State((shared, need)): State<(Shared, Need)>,
    mut request: Request,
    next: Next,
) -> Response {
    // The key of an environment's flags is a right of its own, for that environment alone.
    if came_by_key(&request) {
        return next.run(request).await;
    }
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return nobody().into_response();
    };
    let asker = Asker::new(&caller, need.action);
    request.extensions_mut().insert(asker.clone());
    let judged = match caller.who {
        Who::Owner => Ok(request),
        Who::User { .. } | Who::Service { .. } | Who::Stranger => {
            judged(&shared, need, &asker, request).await
        }
    };
    let passed = judged.is_ok();
    let mut answer = match judged {
        Ok(request) => next.run(request).await,
        Err(refused) => refused.into_response(),
    };
    let decided = asker.decided().unwrap_or_else(|| Decided::unasked(&caller, need.action, passed));
    answer.extensions_mut().insert(decided);
    answer
}

/// The request as it goes on, its place written into it.
async fn judged(shared: &Shared, need: Need, asker: &Asker, request: Request) -> Result<Request, Refused> {
    let (mut parts, body) = request.into_parts();
    let (body, read) = if need.reads_body() {
        let bytes = json_bytes(body).await?;
        (Body::from(bytes.clone()), Some(bytes))
    } else {
        (body, None)
    };
    let said = Said::by(&mut parts, shared, read.as_deref()).await?;
    let own = Holder::of(&asker.caller().who);
    let subject = match need.at {
        // What is listed is looked at one by one; a place that is named is looked at here.
        At::Listed if said.names_an_environment() => said.subject(At::Scope, own.as_ref())?,
        At::Listed => None,
        // Nobody without any role fills the disk with what is refused in the end.
        At::Upload => return asker.has_a_role(shared).await.map(|()| Request::from_parts(parts, body)),
        at => said.subject(at, own.as_ref())?,
    };
    if let Some(subject) = subject {
        let asked = Asked {
            glass: said.breaks_glass(need.glass),
            turns_on: said.turns_on(need.at)?,
            ..Asked::new(asker.caller().clone(), need.action, subject)
        };
        let verdict = asker.judge(shared, asked).await?;
        if !verdict.decision.allowed {
            return Err(forbidden(&asker.caller().who, &verdict).into());
        }
        parts.uri = said.pinned(&parts.uri, said.pin(need), &verdict.place)?;
    }
    Ok(Request::from_parts(parts, body))
}

/// A way in that says nothing of who came by it: there is none, and one that is made by mistake stays shut.
fn nobody() -> Refused {
    let message = "nobody knows who asks";
    Refused::at(StatusCode::UNAUTHORIZED, RefusalKind::Environment, "api::unauthorized", message)
}
