//! Evaluation, version 1: a flag without a value has an empty one, so a flag without a default is said not to be there.

use std::collections::HashMap;

use serde_json::Value;
use tidegate_flags::{Reason, Resolution};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::desk::{self, Desk, Worth, read};
use super::proto::evaluation_v1::{self as v1, any_flag};
use super::{convert, news};

type Answer<T> = Result<Response<T>, Status>;

/// One type of flag: its method's body.
macro_rules! resolve {
    ($desk:expr, $request:expr, $read:expr, $response:ident) => {{
        let (headers, _, asked) = $request.into_parts();
        let worth = $desk.resolve(&headers, &asked.flag_key, asked.context, $read)?;
        let Worth { value, reason, variant, metadata } = with_default(worth, &asked.flag_key)?;
        let (value, variant) = (value.unwrap_or_default(), variant.unwrap_or_default());
        Ok(Response::new(v1::$response { value, reason, variant, metadata }))
    }};
}

#[tonic::async_trait]
impl v1::service_server::Service for Desk {
    type EventStreamStream = ReceiverStream<Result<v1::EventStreamResponse, Status>>;

    async fn resolve_all(&self, request: Request<v1::ResolveAllRequest>) -> Answer<v1::ResolveAllResponse> {
        let (headers, _, asked) = request.into_parts();
        let selection = self.selection(&headers)?;
        let context = desk::context(asked.context)?;
        self.long(&selection, || {
            let resolved = selection.set().resolve_all(&context, desk::now());
            // A flag that cannot be resolved is left out, as flagd does.
            let flags: HashMap<_, _> =
                resolved.filter_map(|(key, found)| Some((key.to_owned(), any_flag(&found.ok()?)?))).collect();
            self.hall().tally().evaluated.many(flags.len() as u64);
            let metadata = Some(convert::structure(selection.set().metadata()));
            v1::ResolveAllResponse { flags, metadata }
        })
    }

    async fn resolve_boolean(
        &self,
        request: Request<v1::ResolveBooleanRequest>,
    ) -> Answer<v1::ResolveBooleanResponse> {
        resolve!(self, request, read::boolean, ResolveBooleanResponse)
    }

    async fn resolve_string(
        &self,
        request: Request<v1::ResolveStringRequest>,
    ) -> Answer<v1::ResolveStringResponse> {
        resolve!(self, request, read::string, ResolveStringResponse)
    }

    async fn resolve_float(
        &self,
        request: Request<v1::ResolveFloatRequest>,
    ) -> Answer<v1::ResolveFloatResponse> {
        resolve!(self, request, read::float, ResolveFloatResponse)
    }

    async fn resolve_int(&self, request: Request<v1::ResolveIntRequest>) -> Answer<v1::ResolveIntResponse> {
        resolve!(self, request, read::int, ResolveIntResponse)
    }

    async fn resolve_object(
        &self,
        request: Request<v1::ResolveObjectRequest>,
    ) -> Answer<v1::ResolveObjectResponse> {
        let (headers, _, asked) = request.into_parts();
        let worth = self.resolve(&headers, &asked.flag_key, asked.context, read::object)?;
        let Worth { value, reason, variant, metadata } = with_default(worth, &asked.flag_key)?;
        let variant = variant.unwrap_or_default();
        Ok(Response::new(v1::ResolveObjectResponse { value, reason, variant, metadata }))
    }

    async fn event_stream(
        &self,
        request: Request<v1::EventStreamRequest>,
    ) -> Answer<Self::EventStreamStream> {
        let set = self.set(request.metadata(), "")?;
        let stream = news::follow(self, set, |kind, data| v1::EventStreamResponse { r#type: kind, data })?;
        Ok(Response::new(stream))
    }
}

/// Clients of this version take an empty value for the flag's own, but for one that is disabled.
fn with_default<T>(worth: Worth<T>, key: &str) -> Result<Worth<T>, Status> {
    if worth.value.is_none() && worth.reason != Reason::Disabled.as_str() {
        return Err(Status::not_found(format!("flag `{key}` has no default variant")));
    }
    Ok(worth)
}

fn any_flag(resolution: &Resolution<'_>) -> Option<v1::AnyFlag> {
    let value = match resolution.value? {
        Value::Bool(value) => any_flag::Value::BoolValue(*value),
        Value::String(value) => any_flag::Value::StringValue(value.clone()),
        Value::Number(value) => any_flag::Value::DoubleValue(value.as_f64()?),
        Value::Object(value) => any_flag::Value::ObjectValue(convert::structure(value)),
        Value::Null | Value::Array(_) => return None,
    };
    Some(v1::AnyFlag {
        reason: resolution.reason.as_str().to_owned(),
        variant: resolution.variant.unwrap_or_default().to_owned(),
        value: Some(value),
        metadata: Some(convert::structure(resolution.metadata)),
    })
}
