//! Questions asked again while nobody answers: a server may be starting again, and what it does goes on meanwhile.

use std::future::Future;
use std::time::Duration;

use tidegate_api::ClientError;
use tokio::time::Instant;

use crate::failure::Failure;

/// Between two tries.
const AGAIN_AFTER: Duration = Duration::from_millis(150);
/// How long a server that does not answer is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until there is an answer, for a minute.
pub async fn patiently<T, F>(mut ask: impl FnMut() -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let give_up = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Err(ClientError::Unreachable { .. } | ClientError::Broken { .. }) if Instant::now() < give_up => {
                tokio::time::sleep(AGAIN_AFTER).await;
            }
            answer => return Ok(answer?),
        }
    }
}
