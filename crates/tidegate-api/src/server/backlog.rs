//! How many batches of events wait for the control loop at once. Whoever sends more than it takes in is told to come again, instead of
//! all of it piling up here.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tidegate_control::RefusalKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Refused;

/// Batches that are on their way to the loop.
const MOST: usize = 16;
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);
/// When to come again, in seconds.
const AGAIN_S: u32 = 2;

/// See the module.
pub(crate) struct Backlog(Arc<Semaphore>);

impl Default for Backlog {
    fn default() -> Self {
        Backlog(Arc::new(Semaphore::new(MOST)))
    }
}

impl Backlog {
    /// A batch's turn, which lasts until it is dropped.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Refused> {
        self.turn_within(PATIENCE).await
    }

    async fn turn_within(&self, patience: Duration) -> Result<OwnedSemaphorePermit, Refused> {
        let turn = tokio::time::timeout(patience, self.0.clone().acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(behind)
    }
}

fn behind() -> Refused {
    let message = "more events come than are taken in: the control loop is behind";
    Refused::at(StatusCode::TOO_MANY_REQUESTS, RefusalKind::Environment, "api::behind", message)
        .retry_after(AGAIN_S)
        .help("send them again later, in larger batches; nothing counts twice. `tidegate doctor` may say why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_batch_waits_for_its_turn_and_not_for_ever() {
        let backlog = Backlog::default();
        let mut turns = Vec::new();
        for _ in 0..MOST {
            turns.push(backlog.turn().await.unwrap());
        }
        assert!(backlog.turn_within(Duration::from_millis(5)).await.is_err());
        let wait = backlog.turn();
        turns.pop();
        assert!(wait.await.is_ok());
    }
}
