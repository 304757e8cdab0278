//! An upload on its way in: the snapshot goes to a file of its own, the control plane takes the file over.
//!
//! While it comes in the file's name ends in `.part`; what a kill leaves of those is removed at the next start. A
//! finished one is the control plane's to keep or remove.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::StatusCode;
use bytes::{Buf, Bytes, BytesMut};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use tidegate_control::{ControlPlane, Refusal, RefusalKind};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::Shared;
use super::ask::{Answer, ask_json};
use super::extract::{too_large, too_slow};
use super::problem::Refused;
use crate::wire::{DISK_FULL, MOST_METADATA};

/// The longest wait for the next piece of an upload.
const PIECE_WITHIN: Duration = Duration::from_secs(60);
/// Fewer bytes a second than this are no upload, once it has gone on for a while.
const SLOWEST: u64 = 1_024;
/// How long the rest of a refused upload is read and thrown away, so that the peer gets to read why.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

/// Makes the directory, private, and removes half uploads.
pub(super) fn prepare(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "part") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// A whole upload. Its file is removed with it unless [given](Upload::give).
pub(super) struct Upload<T> {
    /// What goes with the snapshot.
    pub(super) request: T,
    file: Spooled,
}

impl<T: Send + 'static> Upload<T> {
    /// Hands it to a call of the control plane. The snapshot's file is the call's where it does as asked, and nobody's where
    /// it refuses; after a bug it is evidence.
    pub(super) async fn give<V: Send + 'static>(
        self,
        shared: &Shared,
        call: impl FnOnce(&dyn ControlPlane, T, PathBuf) -> Result<V, Refusal> + Send + 'static,
    ) -> Answer<V> {
        let (request, file) = (self.request, self.file.keep());
        ask_json(shared, move |plane| {
            let answer = call(plane, request, file.clone());
            if answer.as_ref().is_err_and(|refusal| refusal.kind != RefusalKind::Bug) {
                let _ = fs::remove_file(&file);
            }
            answer
        })
        .await
    }
}

/// A file that is removed when dropped.
struct Spooled(PathBuf);

impl Spooled {
    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Reads an upload's body (see [`crate::wire::DEPLOY_TYPE`]) into the spool directory.
pub(super) async fn receive<T: DeserializeOwned>(shared: &Shared, body: Body) -> Result<Upload<T>, Refused> {
    let most_bytes = shared.most_upload_bytes;
    let pace = Pace::begin(Instant::now());
    let mut pieces = Pieces { body, buffer: BytesMut::new(), left: most_bytes, most_bytes, pace };
    let received = receive_from(&mut pieces, &shared.spool_dir).await;
    if received.is_err() {
        pieces.drain().await;
    }
    received
}

async fn receive_from<T: DeserializeOwned>(pieces: &mut Pieces, dir: &Path) -> Result<Upload<T>, Refused> {
    let length = pieces.exactly(4).await?.get_u32() as usize;
    if length > MOST_METADATA {
        return Err(too_large(MOST_METADATA as u64));
    }
    let metadata = pieces.exactly(length).await?;
    let request = serde_json::from_slice(&metadata)
        .map_err(|error| Refused::bad_request(format!("the upload's JSON: {error}")))?;
    let file = spool(pieces, dir).await?;
    Ok(Upload { request, file })
}

async fn spool(pieces: &mut Pieces, dir: &Path) -> Result<Spooled, Refused> {
    let base = unique_name();
    let part = Spooled(dir.join(format!("{base}.part")));
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&part.0).await.map_err(disk)?;
    while let Some(piece) = pieces.next().await? {
        file.write_all(&piece).await.map_err(disk)?;
    }
    file.flush().await.map_err(disk)?;
    let whole = dir.join(format!("{base}.tar"));
    tokio::fs::rename(&part.0, &whole).await.map_err(disk)?;
    part.keep();
    Ok(Spooled(whole))
}

/// A name no other upload has: this process, the time and a count. Should it be taken all the same, `create_new` says
/// so.
fn unique_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_nanos());
    format!("upload-{}-{now}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The body, piece by piece, within limits.
struct Pieces {
    body: Body,
    buffer: BytesMut,
    left: u64,
    most_bytes: u64,
    pace: Pace,
}

/// How fast a body comes: one that hardly moves would hold its connection for days.
struct Pace {
    begun: Instant,
    bytes: u64,
}

impl Pace {
    fn begin(now: Instant) -> Pace {
        Pace { begun: now, bytes: 0 }
    }

    /// Whether it goes on fast enough, with so many bytes more.
    fn keeps(&mut self, bytes: u64, now: Instant) -> bool {
        self.bytes += bytes;
        let took = now.duration_since(self.begun);
        took < PIECE_WITHIN || self.bytes >= SLOWEST * took.as_secs()
    }
}

impl Pieces {
    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, Refused> {
        if !self.buffer.is_empty() {
            return Ok(Some(self.buffer.split().freeze()));
        }
        self.read().await
    }

    /// Exactly this many bytes.
    async fn exactly(&mut self, count: usize) -> Result<Bytes, Refused> {
        while self.buffer.len() < count {
            let piece =
                self.read().await?.ok_or_else(|| Refused::bad_request("the upload ends too early"))?;
            self.buffer.extend_from_slice(&piece);
        }
        Ok(self.buffer.split_to(count).freeze())
    }

    async fn read(&mut self) -> Result<Option<Bytes>, Refused> {
        let Some(piece) =
            tokio::time::timeout(PIECE_WITHIN, next_of(&mut self.body)).await.map_err(|_| too_slow())?
        else {
            return Ok(None);
        };
        let piece = piece.map_err(|error| Refused::bad_request(format!("the upload broke off: {error}")))?;
        if !self.pace.keeps(piece.len() as u64, Instant::now()) {
            return Err(too_slow());
        }
        self.left = self.left.checked_sub(piece.len() as u64).ok_or_else(|| too_large(self.most_bytes))?;
        Ok(Some(piece))
    }

    async fn drain(&mut self) {
        let rest = async { while let Some(Ok(_)) = next_of(&mut self.body).await {} };
        let _ = tokio::time::timeout(DRAIN_WITHIN, rest).await;
    }
}

/// The next piece of data; trailers are passed over.
async fn next_of(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    loop {
        match body.frame().await? {
            Ok(frame) => match frame.into_data() {
                Ok(data) => return Some(Ok(data)),
                Err(_trailers) => {}
            },
            Err(error) => return Some(Err(error)),
        }
    }
}

/// What the disk said.
fn disk(error: io::Error) -> Refused {
    if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
        let message = "the disk of the data directory is full; nothing was changed";
        let help = "free some space there, then deploy again";
        return Refusal::new(RefusalKind::Environment, DISK_FULL, message).help(help).into();
    }
    let message = format!("cannot keep the upload: {error}");
    Refused::at(StatusCode::SERVICE_UNAVAILABLE, RefusalKind::Environment, "deploy::spool", message)
        .help("look at `tidegate doctor`")
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::*;

    #[test]
    fn a_body_that_hardly_moves_is_given_up_and_a_slow_one_is_not() {
        let begun = Instant::now();
        let at = |seconds: u64| begun + Duration::from_secs(seconds);
        let mut drip = Pace::begin(begun);
        assert!(drip.keeps(1, at(59)));
        assert!(!drip.keeps(1, at(61)));
        let mut slow = Pace::begin(begun);
        assert!((1..=600).all(|second| slow.keeps(2 * SLOWEST, at(second))));
        assert!(slow.keeps(1, at(1_000)), "what came before counts");
        assert!(!slow.keeps(1, at(2_000)));
    }

    #[test]
    fn a_full_disk_is_told_apart_from_other_trouble() {
        let status = |kind: io::ErrorKind| disk(kind.into()).into_response().status();
        assert_eq!(status(io::ErrorKind::StorageFull), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(status(io::ErrorKind::QuotaExceeded), StatusCode::INSUFFICIENT_STORAGE);
        assert_eq!(status(io::ErrorKind::PermissionDenied), StatusCode::SERVICE_UNAVAILABLE);
    }
}
