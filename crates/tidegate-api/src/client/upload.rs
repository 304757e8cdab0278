//! Sending a snapshot with what goes with it: packed on a thread of its own, a few chunks ahead of the connection.

use std::io::{self, BufWriter, Write};

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Client, ClientError};
use crate::stream::channel_body;
use crate::wire::MOST_METADATA;

const CHUNK: usize = 128 << 10;
const AHEAD: usize = 8;

/// Sends it to a path as a media type. See [`crate::wire::DEPLOY_TYPE`] for the format.
pub(super) async fn send_to<V: DeserializeOwned>(
    client: &Client,
    (path, media): (&str, &str),
    request: &impl Serialize,
    pack: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Result<V, ClientError> {
    let metadata = metadata(request)?;
    let (chunks, body) = channel_body(AHEAD);
    let packing = tokio::task::spawn_blocking(move || send(chunks, &metadata, pack));
    let head = client.head(&Method::POST, path, media);
    match client.exchange(head, body).await {
        Ok(answer) => client.value(answer).await,
        Err(error) => Err(better_reason(packing, error).await),
    }
}

fn metadata(request: &impl Serialize) -> Result<Vec<u8>, ClientError> {
    let json = serde_json::to_vec(request).map_err(|error| ClientError::Pack(io::Error::other(error)))?;
    match u32::try_from(json.len()) {
        Ok(length) if json.len() <= MOST_METADATA => Ok([&length.to_be_bytes(), json.as_slice()].concat()),
        _ => {
            Err(ClientError::Pack(io::Error::other(format!("the variables are over {MOST_METADATA} bytes"))))
        }
    }
}

/// A body that ended with an error breaks the connection; the error itself says more than that it broke.
async fn better_reason(packing: JoinHandle<io::Result<()>>, error: ClientError) -> ClientError {
    match packing.await {
        Ok(Err(cause)) if cause.kind() != io::ErrorKind::BrokenPipe => ClientError::Pack(cause),
        _ => error,
    }
}

fn send(
    chunks: mpsc::Sender<io::Result<Bytes>>,
    metadata: &[u8],
    pack: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(CHUNK, Chunks(chunks.clone()));
    let packed = out.write_all(metadata).and_then(|()| pack(&mut out)).and_then(|()| out.flush());
    if let Err(error) = &packed {
        // Ends the body as broken: a body that just ended would be taken for a whole one.
        let _ = chunks.blocking_send(Err(io::Error::other(error.to_string())));
        let _ = out.into_parts();
    }
    packed
}

/// Writes into a channel; a broken pipe once nobody reads.
struct Chunks(mpsc::Sender<io::Result<Bytes>>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
