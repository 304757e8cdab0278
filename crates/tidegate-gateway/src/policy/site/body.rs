//! A file on its way to the client, read in pieces off the worker's thread, one piece ahead of the client.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Visit;
use crate::upstream::FlowError;

/// What one client costs in memory at most, twice.
const PIECE: u64 = 128 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct FileBody {
    source: Source,
    /// Bytes that the client has not been given.
    left: u64,
    visit: Option<Visit>,
}

#[derive(Debug)]
enum Source {
    Memory(Bytes),
    Disk(Reader),
}

#[derive(Debug)]
struct Reader {
    file: Arc<File>,
    at: u64,
    reading: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    /// Of content that is here already.
    pub(super) fn memory(content: Bytes, visit: Visit) -> Self {
        let left = content.len() as u64;
        FileBody { source: Source::Memory(content), left, visit: Some(visit) }
    }

    /// Of `length` bytes of a file, from `first` on.
    pub(super) fn disk(file: Arc<File>, first: u64, length: u64, visit: Visit) -> Self {
        let reader = Reader { file, at: first, reading: None };
        FileBody { source: Source::Disk(reader), left: length, visit: Some(visit) }
    }

    /// Whether it is read from an open file.
    pub(crate) fn is_on_disk(&self) -> bool {
        matches!(self.source, Source::Disk(_))
    }

    fn on_piece(&mut self, piece: Bytes) -> Result<Frame<Bytes>, FlowError> {
        self.left =
            self.left.checked_sub(piece.len() as u64).filter(|_| !piece.is_empty()).ok_or(FlowError::File)?;
        if self.left == 0
            && let Some(visit) = self.visit.take()
        {
            visit.end();
        }
        Ok(Frame::data(piece))
    }
}

impl Reader {
    fn poll_piece(&mut self, cx: &mut Context<'_>, left: u64) -> Poll<io::Result<Bytes>> {
        let reading = self.reading.get_or_insert_with(|| read(self.file.clone(), self.at, left));
        let piece = ready!(Pin::new(reading).poll(cx)).map_err(io::Error::other)??;
        let length = piece.len() as u64;
        self.at += length;
        let more = left.saturating_sub(length);
        self.reading = (more > 0 && length > 0).then(|| read(self.file.clone(), self.at, more));
        Poll::Ready(Ok(piece))
    }
}

fn read(file: Arc<File>, at: u64, left: u64) -> JoinHandle<io::Result<Bytes>> {
    spawn_blocking(move || {
        let mut piece = vec![0; left.min(PIECE) as usize];
        let length = file.read_at(&mut piece, at)?;
        piece.truncate(length);
        Ok(Bytes::from(piece))
    })
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = FlowError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, FlowError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let left = self.left;
        let piece = match &mut self.source {
            Source::Memory(content) => std::mem::take(content),
            Source::Disk(reader) => match ready!(reader.poll_piece(cx, left)) {
                Ok(piece) => piece,
                Err(error) => {
                    tracing::error!(%error, "a file of a site broke off");
                    return Poll::Ready(Some(Err(FlowError::File)));
                }
            },
        };
        Poll::Ready(Some(self.on_piece(piece)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
