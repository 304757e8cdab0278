//! A panic in a handler becomes an answer with status 500; the connection and the server go on.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Refused;

/// Over all routes.
pub(super) async fn panics(request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    caught(next.run(request)).await.unwrap_or_else(|| {
        tracing::error!(%path, "a handler panicked");
        Refused::bug("the request made Tidegate panic").into_response()
    })
}

/// The future's value, or `None` where it panicked; it is not polled again then.
async fn caught<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(move |context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(value)) => Poll::Ready(Some(value)),
        Err(_panic) => Poll::Ready(None),
    })
    .await
}
