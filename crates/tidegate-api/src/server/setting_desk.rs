//! Asking about configuration, parameters and secrets: calls block for milliseconds, so they run on the blocking pool.

use std::sync::Arc;

use axum::Json;
use tidegate_control::setting::Settings;
use tidegate_control::{Refusal, RefusalKind};

use super::Shared;
use super::ask::Answer;
use super::problem::Refused;

/// Who answers about configuration, parameters and secrets.
#[derive(Clone)]
pub struct SettingDesk(pub Arc<dyn Settings>);

impl std::fmt::Debug for SettingDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SettingDesk").finish_non_exhaustive()
    }
}

/// One call, answered as JSON.
pub(super) async fn ask_settings<T: Send + 'static>(
    shared: &Shared,
    call: impl FnOnce(&dyn Settings) -> Result<T, Refusal> + Send + 'static,
) -> Answer<T> {
    let desk = shared.settings.clone().ok_or_else(nobody)?;
    match tokio::task::spawn_blocking(move || call(&*desk.0)).await {
        Ok(answer) => Ok(Json(answer?)),
        Err(_panicked) => Err(Refused::bug("the request made Tidegate panic")),
    }
}

fn nobody() -> Refused {
    Refusal::new(RefusalKind::NotFound, "api::no-settings", "this server has no configuration of its own")
        .help("ask the one that `tidegate up` started")
        .into()
}
