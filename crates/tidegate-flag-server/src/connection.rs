//! A connection to its end, whatever it speaks.

use std::fmt::Display;
use std::pin::{Pin, pin};
use std::time::Duration;

use crate::stop::Stop;

/// Serves it. Told to stop it is asked to `leave` after `last_call`, and ends with what is under way.
pub(crate) async fn served<C, E>(
    connection: C,
    leave: impl FnOnce(Pin<&mut C>),
    stop: &mut Stop,
    last_call: Duration,
) where
    C: Future<Output = Result<(), E>>,
    E: Display,
{
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
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
