//! The layer: lets a request through to its handler, or refuses it with the rule that says so.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tidegate_control::RefusalKind;
use tidegate_control::access::{Asked, Subject, forbidden};
use tidegate_core::access::{Action, Admission, Holder, Place, Who};

use super::Decided;
use super::asker::{Asker, on_desk};
use super::need::{At, Need};
use super::request::Said;
use crate::server::Shared;
use crate::server::audit::RefusedAs;
use crate::server::extract::json_bytes;
use crate::server::problem::Refused;
use crate::server::server_key::came_by_key;

/// Over one endpoint, after it is known who asks.
pub(in crate::server) async fn admit(
    State((shared, need)): State<(Shared, Need)>,
    request: Request,
    next: Next,
) -> Response {
    // The key of an environment's flags is a right of its own, for that environment alone.
    if came_by_key(&request) {
        return next.run(request).await;
    }
    let Some(admission) = request.extensions().get::<Admission>().cloned() else {
        return nobody().into_response();
    };
    let asker = Asker::new(&admission, need.action);
    let caller = &admission.caller;
    let judged = match caller.who {
        Who::Owner => Ok(request),
        Who::User { .. } | Who::Service { .. } | Who::Stranger => {
            judged(&shared, need, &asker, request).await
        }
    };
    let passed = judged.is_ok();
    let mut answer = match judged {
        Ok(mut request) => {
            let manages = asker.decided().is_some_and(|decided| decided.manages_access());
            request.extensions_mut().insert(asker.clone().managing(manages));
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    };
    let decided = asker.decided().unwrap_or_else(|| Decided::unasked(caller, need.action, passed));
    tell(&mut answer, &decided);
    answer.extensions_mut().insert(decided);
    answer
}

/// Over one endpoint about what is the caller's own, which everybody may use who is let in. Whether they decide about others as well is
/// found out here.
pub(in crate::server) async fn own(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(admission) = request.extensions().get::<Admission>().cloned() else {
        return nobody().into_response();
    };
    let asker = Asker::new(&admission, Action::ManageAccess);
    match manages(&shared, &asker).await {
        Ok(manages) => request.extensions_mut().insert(asker.managing(manages)),
        Err(refused) => return refused.into_response(),
    };
    next.run(request).await
}

/// Whether somebody decides about users.
async fn manages(shared: &Shared, asker: &Asker) -> Result<bool, Refused> {
    match asker.caller().who {
        Who::User { .. } if shared.access.is_some() => {}
        // The owner needs no role, and programs do not decide about people.
        Who::User { .. } | Who::Owner | Who::Service { .. } | Who::Stranger => return Ok(false),
    }
    let asked = asker.asking(Action::ManageAccess, Subject::Place(Place::Everywhere));
    let verdict = on_desk(shared, move |desk| desk.judge(&asked)).await?;
    Ok(verdict.decision.allowed)
}

/// Has the layers around know who was refused, and by which rule.
fn tell(answer: &mut Response, decided: &Decided) {
    if decided.allowed {
        return;
    }
    let Some(refused) = answer.extensions_mut().get_mut::<RefusedAs>() else { return };
    refused.rule = decided.rule();
    answer.extensions_mut().insert(decided.caller.clone());
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
    // What opens less than its holder has is not told all about them.
    let own = Holder::of(&asker.caller().who).filter(|_| !asker.admission().is_narrowed());
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
            ..asker.asking(need.action, subject)
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
