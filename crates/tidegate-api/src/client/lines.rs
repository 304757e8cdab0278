//! An answer read line by line, each line a JSON value.

use std::marker::PhantomData;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::de::DeserializeOwned;

use super::ClientError;
use super::connection::Address;

/// The longest line: a page of logs with every line at its longest.
const LONGEST: usize = 256 << 20;

/// Values of type `T` as they come.
pub struct Lines<T> {
    address: Address,
    body: Incoming,
    buffer: BytesMut,
    /// How much of the buffer is known to have no line end.
    searched: usize,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Lines<T> {
    pub(super) fn new(address: Address, body: Incoming) -> Self {
        Lines { address, body, buffer: BytesMut::new(), searched: 0, of: PhantomData }
    }

    /// The next value; `None` when the answer is over.
    ///
    /// # Errors
    /// Where the connection breaks or a line is no such value.
    pub async fn next(&mut self) -> Result<Option<T>, ClientError> {
        let Some(line) = self.line().await? else { return Ok(None) };
        serde_json::from_slice(&line).map(Some).map_err(|error| self.address.strange(error))
    }

    /// All values that are left.
    ///
    /// # Errors
    /// As for [`Lines::next`].
    pub async fn all(mut self) -> Result<Vec<T>, ClientError> {
        let mut values = Vec::new();
        while let Some(value) = self.next().await? {
            values.push(value);
        }
        Ok(values)
    }

    async fn line(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > LONGEST {
                return Err(self.address.strange("a line without an end"));
            }
            match self.body.frame().await {
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.address.strange("the last line has no end")),
                Some(frame) => {
                    let frame = frame.map_err(|error| self.address.broken(&error))?;
                    self.buffer.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new()));
                }
            }
        }
    }
}
