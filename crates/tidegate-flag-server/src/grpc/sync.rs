//! Sync: whole definitions for clients that evaluate by themselves, now and after every change.

use std::sync::Arc;

use prost_types::Struct;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::adapters::Map;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::desk::{Desk, revoked};
use super::proto::sync_v1 as v1;
use crate::selection::Selection;

type Answer<T> = Result<Response<T>, Status>;
type Sent = Result<v1::SyncFlagsResponse, Status>;
/// What is on its way to a client: all who follow share it until it is sent.
type News = Result<Arc<Selection>, Status>;

#[tonic::async_trait]
impl v1::flag_sync_service_server::FlagSyncService for Desk {
    type SyncFlagsStream = Map<ReceiverStream<News>, fn(News) -> Sent>;

    async fn sync_flags(&self, request: Request<v1::SyncFlagsRequest>) -> Answer<Self::SyncFlagsStream> {
        self.may_sync()?;
        let set = self.set(request.metadata(), &request.get_ref().selector)?;
        let place = self.place()?;
        // One waits here at a time: only the newest is of use.
        let (send, receive) = mpsc::channel(1);
        let (desk, mut stop) = (self.clone(), self.stop());
        tokio::spawn(async move {
            desk.hall().tally().streams_begun.one();
            tokio::select! {
                _ = tell(&desk, set, &send) => {}
                () = desk.hall().gone(desk.pass()) => {
                    let _ = send.try_send(Err(revoked()));
                }
                () = stop.said() => {
                    let _ = send.try_send(Err(Status::unavailable("the server ends")));
                }
            }
            desk.hall().tally().streams_ended.one();
            drop(place);
        });
        Ok(Response::new(ReceiverStream::new(receive).map(message as fn(News) -> Sent)))
    }

    async fn fetch_all_flags(
        &self,
        request: Request<v1::FetchAllFlagsRequest>,
    ) -> Answer<v1::FetchAllFlagsResponse> {
        self.may_sync()?;
        let set = self.set(request.metadata(), &request.get_ref().selector)?;
        let selection = self.board().now().select(set.as_deref());
        let flag_configuration = || selection.source().to_string();
        self.long(&selection, || v1::FetchAllFlagsResponse { flag_configuration: flag_configuration() })
    }

    async fn get_metadata(&self, _: Request<v1::GetMetadataRequest>) -> Answer<v1::GetMetadataResponse> {
        Ok(Response::new(v1::GetMetadataResponse { metadata: Some(Struct::default()) }))
    }
}

/// Made in the moment in which it is sent.
fn message(of: News) -> Sent {
    let flag_configuration = of?.source().to_string();
    Ok(v1::SyncFlagsResponse { flag_configuration, sync_context: Some(Struct::default()) })
}

/// Ends where the client is gone.
async fn tell(desk: &Desk, set: Option<String>, send: &mpsc::Sender<News>) -> Option<()> {
    let mut changes = desk.board().follow();
    let mut known = None;
    loop {
        let selection = changes.borrow_and_update().select(set.as_deref());
        if known.as_deref() != Some(selection.revision()) {
            known = Some(selection.revision().to_owned());
            send.send(Ok(selection)).await.ok()?;
        }
        tokio::select! {
            changed = changes.changed() => changed.ok()?,
            () = send.closed() => return None,
        }
    }
}
