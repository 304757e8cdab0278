//! The body of an answer as far as it is compared: kept where it is JSON and not too large, hashed as it goes by otherwise.

use std::fmt;

use aws_lc_rs::digest;
use http::{HeaderMap, header};

use super::budget::Room;
use super::terms::Terms;
use super::{LARGEST_ANSWER, LARGEST_JSON, json};

/// A body on its way.
pub(super) struct Gathering {
    bytes: u64,
    form: Form,
    /// What is kept takes room here. A copy's is bounded by the number of copies.
    room: Option<Room>,
}

/// A whole body, or the part of it that is compared.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) bytes: u64,
    pub(super) whole: bool,
    form: Form,
    /// Given back with the body.
    _room: Option<Room>,
}

enum Form {
    Kept(Vec<u8>),
    Hashed(digest::Context),
}

impl Gathering {
    /// `room`: for what is kept of it.
    pub(super) fn new(headers: &HeaderMap, room: Option<Room>) -> Gathering {
        let form = if is_json(headers) { Form::Kept(Vec::new()) } else { Form::hash(&[]) };
        Gathering { bytes: 0, form, room }
    }

    /// Takes in the next piece; whether more of it would be compared.
    pub(super) fn on_data(&mut self, data: &[u8]) -> bool {
        let room = LARGEST_ANSWER.saturating_sub(self.bytes);
        let compared = &data[..data.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        if let Form::Kept(kept) = &mut self.form {
            let held = self.room.as_mut().is_none_or(|room| room.hold(compared.len()));
            if held && kept.len() + compared.len() <= LARGEST_JSON {
                kept.extend_from_slice(compared);
            } else {
                self.form = Form::hash(kept);
            }
        }
        if let Form::Hashed(hash) = &mut self.form {
            hash.update(compared);
        }
        self.bytes += data.len() as u64;
        self.bytes <= LARGEST_ANSWER
    }

    /// It is over, or no more of it is read.
    pub(super) fn finish(self, whole: bool) -> Body {
        Body { bytes: self.bytes, whole, form: self.form, _room: self.room }
    }
}

impl Body {
    /// The places in which the bodies differ: `body`, or what of it.
    pub(super) fn differs(&self, other: &Body, terms: &Terms) -> Vec<String> {
        if let (Form::Kept(one), Form::Kept(two)) = (&self.form, &other.form) {
            let same = (one == two).then(Vec::new);
            if let Some(places) = same.or_else(|| json::differing(one, two, &terms.ignore)) {
                return places;
            }
        }
        if self.is_same(other) { Vec::new() } else { vec!["body".to_owned()] }
    }

    /// Where both are longer than is compared, only their beginnings are known.
    fn is_same(&self, other: &Body) -> bool {
        let long = |body: &Body| body.bytes > LARGEST_ANSWER;
        let lengths = self.bytes == other.bytes || (long(self) && long(other));
        lengths && self.sha256() == other.sha256()
    }

    /// In hex.
    pub(super) fn sha256(&self) -> String {
        let hash = match &self.form {
            Form::Kept(kept) => digest::digest(&digest::SHA256, kept),
            Form::Hashed(hash) => hash.clone().finish(),
        };
        hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Form {
    fn hash(begun: &[u8]) -> Form {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(begun);
        Form::Hashed(hash)
    }
}

/// `application/json`, `application/problem+json`, not compressed.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    (kind.ends_with("/json") || kind.ends_with("+json")) && !headers.contains_key(header::CONTENT_ENCODING)
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What users were answered is nothing for a log.
        f.write_str(match self {
            Form::Kept(_) => "Kept",
            Form::Hashed(_) => "Hashed",
        })
    }
}

impl fmt::Debug for Gathering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gathering")
            .field("bytes", &self.bytes)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}
