//! Streams of events for clients of evaluation: ready, still here, and which flags changed, so that they forget what they keep.

use std::sync::Arc;
use std::time::Duration;

use prost_types::Struct;
use serde_json::{Map, Value, json};
use tidegate_flags::Change;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::convert;
use super::desk::{Desk, revoked};
use crate::board::Board;

const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(20);

type Sent<M> = Result<M, Status>;

/// Begins a stream. `message` makes an event of its type and data.
pub(super) fn follow<M: Send + 'static>(
    desk: &Desk,
    set: Option<String>,
    message: impl Fn(String, Option<Struct>) -> M + Send + Sync + 'static,
) -> Result<ReceiverStream<Sent<M>>, Status> {
    let place = desk.place()?;
    let (send, receive) = mpsc::channel(2);
    let (hall, pass, mut stop) = (desk.hall().clone(), desk.pass().clone(), desk.stop());
    tokio::spawn(async move {
        hall.tally().streams_begun.one();
        tokio::select! {
            _ = tell(pass.board(), set, &send, message) => {}
            () = hall.gone(&pass) => {
                let _ = send.try_send(Err(revoked()));
            }
            () = stop.said() => {
                let _ = send.try_send(Err(Status::unavailable("the server ends")));
            }
        }
        hall.tally().streams_ended.one();
        drop(place);
    });
    Ok(ReceiverStream::new(receive))
}

/// Ends where the client is gone.
async fn tell<M>(
    board: &Arc<Board>,
    set: Option<String>,
    send: &mpsc::Sender<Sent<M>>,
    message: impl Fn(String, Option<Struct>) -> M,
) -> Option<()> {
    let mut changes = board.follow();
    let mut known = changes.borrow_and_update().select(set.as_deref());
    send.send(Ok(message("provider_ready".to_owned(), None))).await.ok()?;
    loop {
        tokio::select! {
            changed = changes.changed() => changed.ok()?,
            () = tokio::time::sleep(KEEP_ALIVE_EVERY) => {
                send.send(Ok(message("keep_alive".to_owned(), None))).await.ok()?;
                continue;
            }
            () = send.closed() => return None,
        }
        let newer = changes.borrow_and_update().select(set.as_deref());
        let changed = newer.changes_since(&known);
        if !changed.is_empty() {
            let event = message("configuration_change".to_owned(), Some(data(&changed)));
            send.send(Ok(event)).await.ok()?;
        }
        known = newer;
    }
}

/// `{flags: {KEY: {type: …}}}`
fn data(changes: &[Change]) -> Struct {
    let one = |change: &Change| (change.key.clone(), json!({ "type": change.kind.as_str() }));
    let flags: Map<String, Value> = changes.iter().map(one).collect();
    convert::structure(&Map::from_iter([("flags".to_owned(), Value::Object(flags))]))
}
