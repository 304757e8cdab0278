//! What all services share: which flags a caller sees, what one of them is worth, and how it is said that it is worth nothing.

use std::sync::Arc;
use std::time::SystemTime;

use prost_types::Struct;
use serde_json::Value;
use tidegate_flags::{Context, ErrorCode, Failure};
use tonic::metadata::MetadataMap;
use tonic::{Code, Response, Status};

use super::answered::Held;
use super::convert;
use crate::board::Board;
use crate::hall::{Hall, Pass};
use crate::places::{Place, Places};
use crate::selection::Selection;
use crate::selector;
use crate::stop::Stop;

/// A message takes so much more memory than the JSON it was made of.
const AS_MESSAGE: usize = 3;

/// One call's.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    hall: Arc<Hall>,
    /// What the caller may see.
    pass: Pass,
    streams: Arc<Places>,
    bytes: Arc<Places>,
    stop: Stop,
}

/// What a flag is worth: of the type that was asked for, or nothing where the caller's own default is to be used.
pub(super) struct Worth<T> {
    pub(super) value: Option<T>,
    pub(super) reason: String,
    pub(super) variant: Option<String>,
    pub(super) metadata: Option<Struct>,
}

impl Desk {
    pub(super) fn new(hall: Arc<Hall>, pass: Pass, places: [Arc<Places>; 2], stop: Stop) -> Self {
        let [streams, bytes] = places;
        Desk { hall, pass, streams, bytes, stop }
    }

    pub(super) fn hall(&self) -> &Arc<Hall> {
        &self.hall
    }

    pub(super) fn pass(&self) -> &Pass {
        &self.pass
    }

    /// What the caller sees.
    pub(super) fn board(&self) -> &Arc<Board> {
        self.pass.board()
    }

    /// Definitions are for servers.
    pub(super) fn may_sync(&self) -> Result<(), Status> {
        let refused = || Status::permission_denied("the key is for clients: definitions are for servers");
        self.pass.is_of_server().then_some(()).ok_or_else(refused)
    }

    pub(super) fn stop(&self) -> Stop {
        self.stop.clone()
    }

    /// A place for a stream, for as long as it lasts.
    pub(super) fn place(&self) -> Result<Place, Status> {
        let taken = self.streams.take(self.pass.grant(), 1);
        taken.ok_or_else(|| Status::resource_exhausted("there are too many streams: come back later"))
    }

    /// A long answer about a selection: made only where so much may be held, until it is read.
    pub(super) fn long<T>(
        &self,
        selection: &Selection,
        make: impl FnOnce() -> T,
    ) -> Result<Response<T>, Status> {
        let bytes = selection.source().len().saturating_mul(AS_MESSAGE);
        let full = || Status::resource_exhausted("too many long answers are not read yet: come back later");
        let place = self.bytes.take(self.pass.grant(), bytes).ok_or_else(full)?;
        let mut answer = Response::new(make());
        answer.extensions_mut().insert(Held::new(place));
        Ok(answer)
    }

    /// The flag set a call is about: in its header, or else in its message.
    pub(super) fn set(&self, headers: &MetadataMap, message: &str) -> Result<Option<String>, Status> {
        let bad = |bad: selector::BadSelector| Status::invalid_argument(bad.to_string());
        let asked = match headers.get(selector::HEADER) {
            Some(value) => selector::parse(value.to_str().map_err(|_| bad(selector::BadSelector))?),
            None => selector::parse(message),
        };
        let set = self
            .pass
            .flag_set(asked.map_err(bad)?)
            .map_err(|_| Status::permission_denied("the key is for another flag set"))?;
        Ok(set.map(str::to_owned))
    }

    /// The flags a call is about.
    pub(super) fn selection(&self, headers: &MetadataMap) -> Result<Arc<Selection>, Status> {
        Ok(self.board().now().select(self.set(headers, "")?.as_deref()))
    }

    /// What one flag is worth.
    pub(super) fn resolve<T>(
        &self,
        headers: &MetadataMap,
        key: &str,
        context: Option<Struct>,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<Worth<T>, Status> {
        let selection = self.selection(headers)?;
        self.hall.tally().evaluated.one();
        let worth = worth(&selection, key, &self::context(context)?, read);
        worth.inspect_err(|_| self.hall.tally().failed.one())
    }
}

/// The context of a call.
pub(super) fn context(of: Option<Struct>) -> Result<Context, Status> {
    let values = of.map(convert::object).unwrap_or_default();
    Context::new(values).map_err(|error| Status::out_of_range(error.to_string()))
}

/// Said to whoever follows when its key is worth nothing any more.
pub(super) fn revoked() -> Status {
    Status::unauthenticated("the key may not ask any more")
}

/// Seconds since 1970.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

fn worth<T>(
    selection: &Selection,
    key: &str,
    context: &Context,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Worth<T>, Status> {
    let resolution = selection.set().resolve(key, context, now()).map_err(|failure| status(&failure))?;
    let value = match resolution.value {
        Some(value) => Some(read(value).ok_or_else(|| {
            Status::invalid_argument(format!("flag `{key}` is of another type than was asked for"))
        })?),
        None => None,
    };
    Ok(Worth {
        value,
        reason: resolution.reason.as_str().to_owned(),
        variant: resolution.variant.map(str::to_owned),
        metadata: Some(convert::structure(resolution.metadata)),
    })
}

/// flagd's way to say what went wrong: clients read the code.
fn status(failure: &Failure) -> Status {
    let code = match failure.code {
        ErrorCode::FlagNotFound => Code::NotFound,
        ErrorCode::TypeMismatch => Code::InvalidArgument,
        ErrorCode::ParseError => Code::DataLoss,
        // Not `Unknown`, as flagd has it: its clients take that for a fault of the connection, and try for seven seconds.
        _ => Code::Internal,
    };
    Status::new(code, failure.details.clone())
}

/// How each type is read from JSON.
pub(super) mod read {
    use prost_types::Struct;
    use serde_json::Value;

    use crate::grpc::convert;

    pub(in crate::grpc) fn boolean(value: &Value) -> Option<bool> {
        value.as_bool()
    }

    pub(in crate::grpc) fn string(value: &Value) -> Option<String> {
        value.as_str().map(str::to_owned)
    }

    pub(in crate::grpc) fn float(value: &Value) -> Option<f64> {
        value.as_f64()
    }

    /// A number with a point loses what is behind it.
    pub(in crate::grpc) fn int(value: &Value) -> Option<i64> {
        value.as_i64().or_else(|| Some(value.as_f64()? as i64))
    }

    pub(in crate::grpc) fn object(value: &Value) -> Option<Struct> {
        value.as_object().map(convert::structure)
    }
}
