//! Asking the control plane: its calls block for milliseconds, so they run on the blocking pool.

use std::sync::Arc;

use axum::Json;
use tidegate_control::{ControlPlane, Refusal};

use super::Shared;
use super::problem::Refused;

/// What most handlers return.
pub(super) type Answer<T> = Result<Json<T>, Refused>;

/// One call of the control plane.
pub(super) async fn ask<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn ControlPlane) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refused> {
    let plane = Arc::clone(&shared.plane);
    match tokio::task::spawn_blocking(move || call(&*plane)).await {
        Ok(answer) => Ok(answer?),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

/// One call, answered as JSON.
pub(super) async fn ask_json<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn ControlPlane) -> Result<T, Refusal> + Send + 'static,
) -> Answer<T> {
    ask(shared, call).await.map(Json)
}
