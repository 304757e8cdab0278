//! A connection to its end, whatever it speaks.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::time::Duration;

use crate::stop::Stop;
use crate::visit::Visit;

/// So long one that is overdue has to say goodbye.
const PARTING: Duration = Duration::from_secs(1);

/// Serves it. Told to stop it is asked to `leave` after `last_call`, and ends with what is under way; one that is overdue does
/// not wait for that.
pub(crate) async fn served<C, E>(
    connection: C,
    leave: impl FnOnce(Pin<&mut C>),
    visit: &Visit,
    stop: &mut Stop,
    last_call: Duration,
) where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = visit.overdue() => {
            leave(connection.as_mut());
            tokio::time::timeout(PARTING, connection).await.unwrap_or(Ok(()))
        }
        () = stop.said() => {
            match tokio::time::timeout(last_call, connection.as_mut()).await {
                Ok(ended) => ended,
                Err(_) => {
                    leave(connection.as_mut());
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
