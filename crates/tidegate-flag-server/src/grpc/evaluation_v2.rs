//! Evaluation, version 2: a flag without a value is said to have none.

use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::desk::{Desk, Worth, read};
use super::news;
use super::proto::evaluation_v2 as v2;

type Answer<T> = Result<Response<T>, Status>;

/// One type of flag: its method's body.
macro_rules! resolve {
    ($desk:expr, $request:expr, $read:expr, $response:ident) => {{
        let (headers, _, asked) = $request.into_parts();
        let Worth { value, reason, variant, metadata } =
            $desk.resolve(&headers, &asked.flag_key, asked.context, $read)?;
        Ok(Response::new(v2::$response { value, reason, variant, metadata }))
    }};
}

#[tonic::async_trait]
impl v2::service_server::Service for Desk {
    type EventStreamStream = ReceiverStream<Result<v2::EventStreamResponse, Status>>;

    async fn resolve_boolean(
        &self,
        request: Request<v2::ResolveBooleanRequest>,
    ) -> Answer<v2::ResolveBooleanResponse> {
        resolve!(self, request, read::boolean, ResolveBooleanResponse)
    }

    async fn resolve_string(
        &self,
        request: Request<v2::ResolveStringRequest>,
    ) -> Answer<v2::ResolveStringResponse> {
        resolve!(self, request, read::string, ResolveStringResponse)
    }

    async fn resolve_float(
        &self,
        request: Request<v2::ResolveFloatRequest>,
    ) -> Answer<v2::ResolveFloatResponse> {
        resolve!(self, request, read::float, ResolveFloatResponse)
    }

    async fn resolve_int(&self, request: Request<v2::ResolveIntRequest>) -> Answer<v2::ResolveIntResponse> {
        resolve!(self, request, read::int, ResolveIntResponse)
    }

    async fn resolve_object(
        &self,
        request: Request<v2::ResolveObjectRequest>,
    ) -> Answer<v2::ResolveObjectResponse> {
        resolve!(self, request, read::object, ResolveObjectResponse)
    }

    async fn event_stream(
        &self,
        request: Request<v2::EventStreamRequest>,
    ) -> Answer<Self::EventStreamStream> {
        let set = self.set(request.metadata(), "")?;
        let stream = news::follow(self, set, |kind, data| v2::EventStreamResponse { r#type: kind, data })?;
        Ok(Response::new(stream))
    }
}
