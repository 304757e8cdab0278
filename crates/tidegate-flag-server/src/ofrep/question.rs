//! What a client sends: `{"context": {…}}`, whole and not too long.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use serde_json::Value;
use tidegate_flags::Context;

use super::Ofrep;
use super::refusal::Refusal;
use crate::hall::Pass;
use crate::places::Place;

/// So much of a body that is too long is read and thrown away, that its sender comes to read the answer.
const THROWN_AWAY: usize = 8;

/// A question, read.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) context: Context,
    /// As it was sent.
    pub(super) text: Bytes,
}

impl Ofrep {
    /// Reads a request's body.
    pub(super) async fn question(&self, body: Incoming, pass: &Pass) -> Result<Question, Refusal> {
        let hold = |bytes| self.bytes.take(pass.grant(), bytes);
        let whole = whole(body, self.limits.body_of(pass.is_of_server()), hold);
        let text =
            tokio::time::timeout(self.limits.body_within, whole).await.map_err(|_| Refusal::Slow)??;
        Ok(Question { context: context(&text)?, text })
    }
}

/// All of a body. What does not come in one piece is held while the rest is waited for.
async fn whole(
    mut body: Incoming,
    most: usize,
    hold: impl Fn(usize) -> Option<Place>,
) -> Result<Bytes, Refusal> {
    let too_long = body.size_hint().lower() > most as u64;
    if too_long && body.size_hint().lower() > (most * THROWN_AWAY) as u64 {
        return Err(Refusal::TooLarge(most));
    }
    let mut first: Option<Bytes> = None;
    let mut more = BytesMut::new();
    let mut held = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::Broken)?.into_data() else { continue };
        length += data.len();
        if length > most * THROWN_AWAY {
            break;
        }
        match (&first, length > most) {
            (_, true) => {}
            (None, _) => first = Some(data),
            (Some(_), _) => {
                held.push(hold(data.len()).ok_or(Refusal::Full)?);
                more.extend_from_slice(&data);
            }
        }
    }
    if length > most {
        return Err(Refusal::TooLarge(most));
    }
    let first = first.unwrap_or_default();
    // Nearly always it comes in one piece, which is not copied.
    Ok(if more.is_empty() { first } else { [first, more.freeze()].concat().into() })
}

/// Nothing at all is an empty context: clients without one send that.
fn context(text: &[u8]) -> Result<Context, Refusal> {
    if text.trim_ascii().is_empty() {
        return Ok(Context::empty());
    }
    let question: Value = serde_json::from_slice(text).map_err(|error| Refusal::NoJson(error.to_string()))?;
    let Value::Object(mut question) = question else {
        return Err(Refusal::Context("the body is to be an object with `context`"));
    };
    let context = match question.remove("context") {
        Some(Value::Object(context)) => context,
        None | Some(Value::Null) => return Ok(Context::empty()),
        Some(_) => return Err(Refusal::Context("`context` is to be an object")),
    };
    match context.get("targetingKey") {
        None | Some(Value::Null | Value::String(_)) => Context::new(context).map_err(Refusal::Large),
        Some(_) => Err(Refusal::Context("`targetingKey` is to be a string")),
    }
}
