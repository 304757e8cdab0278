//! Asking the control plane: its calls block for milliseconds, so they run on the blocking pool.

use std::sync::Arc;

use axum::Json;
use tidegate_control::audit::Call;
use tidegate_control::{ControlPlane, Refusal};

use super::problem::Refused;
use super::{Shared, audit};

/// What most handlers return.
pub(super) type Answer<T> = Result<Json<T>, Refused>;

/// One call of the control plane.
pub(super) async fn ask<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn ControlPlane) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refused> {
    let (plane, now) = (Arc::clone(&shared.plane), audit::now());
    match tokio::task::spawn_blocking(move || Call::within(now, || call(&*plane))).await {
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
