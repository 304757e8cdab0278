//! What an answer tells its client of the arm it was given.

use http::{HeaderMap, HeaderValue, header};

use crate::badge::Badge;
use crate::head;

/// Nothing, most of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// The client's bucket, where it is new or about to be forgotten.
    pub(crate) set_cookie: Option<Box<HeaderValue>>,
    /// Whether the arm and the revision that answered are named.
    pub(crate) echo: bool,
    /// The cell of clients that it is counted in, where the client keeps to its arm.
    pub(crate) cell: Option<u8>,
}

impl Note {
    /// Writes it into the head of an answer. The badge is that of the arm that answered.
    pub(crate) fn write(self, badge: &Badge, headers: &mut HeaderMap) {
        if self.echo {
            head::label(headers, badge);
        }
        if let Some(cookie) = self.set_cookie {
            headers.append(header::SET_COOKIE, *cookie);
        }
    }
}
