//! One endpoint as data: the router and the OpenAPI document are both made from a list of these.

use axum::handler::Handler;
use axum::routing::{MethodRouter, get, post, put};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::access::Action;

use super::Shared;
use super::access::need::{At, Glass, Need};
use super::openapi::{ReadsPath, SchemaOf};

/// One method of one path.
pub(super) struct Endpoint {
    /// `get`, `post` or `put`.
    pub(super) method: &'static str,
    /// The path, its variable parts in braces.
    pub(super) path: &'static str,
    /// Its name: unique.
    pub(super) id: &'static str,
    /// What it does, in a line.
    pub(super) summary: &'static str,
    /// Whether it answers without a token.
    pub(super) open: bool,
    /// Whether it answers whatever this machine is called by who asks: it has a proof of its own.
    pub(super) any_name: bool,
    /// Whether the server keys of an environment's flags open it as well, for that environment.
    pub(super) for_keys: bool,
    /// What whoever asks must be allowed to do, and where; `None`: it is open, or their own.
    pub(super) need: Option<Need>,
    /// Whether it concerns what is the caller's own, so that everybody who is let in may use it.
    pub(super) own: bool,
    /// The variable parts of its path, as its handler reads them.
    pub(super) parts: Option<SchemaOf>,
    /// The parameters of its query string: an object's properties.
    pub(super) query: Option<SchemaOf>,
    /// Its body.
    pub(super) body: Option<Content>,
    /// Its answer.
    pub(super) answer: Content,
    /// What does it.
    pub(super) handler: MethodRouter<Shared>,
}

/// A body as the document describes it.
pub(super) struct Content {
    /// The media type.
    pub(super) media: &'static str,
    /// Its type; `None` where it is no JSON that has one.
    pub(super) schema: Option<SchemaOf>,
}

const JSON: &str = "application/json";

impl Endpoint {
    /// A reading endpoint.
    pub(super) fn get<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: ReadsPath + 'static,
    {
        Self { parts: T::parts(), ..Self::new("get", path, id, summary, get(handler)) }
    }

    /// An endpoint that begins something.
    pub(super) fn post<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: ReadsPath + 'static,
    {
        Self { parts: T::parts(), ..Self::new("post", path, id, summary, post(handler)) }
    }

    /// An endpoint that sets something.
    pub(super) fn put<H, T>(path: &'static str, id: &'static str, summary: &'static str, handler: H) -> Self
    where
        H: Handler<T, Shared>,
        T: ReadsPath + 'static,
    {
        Self { parts: T::parts(), ..Self::new("put", path, id, summary, put(handler)) }
    }

    fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        summary: &'static str,
        handler: MethodRouter<Shared>,
    ) -> Self {
        let answer = Content { media: JSON, schema: None };
        Endpoint {
            method,
            path,
            id,
            summary,
            open: false,
            any_name: false,
            for_keys: false,
            need: None,
            own: false,
            parts: None,
            query: None,
            body: None,
            answer,
            handler,
        }
    }

    /// It answers without a token.
    pub(super) fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// It answers without a token and whatever this machine is called.
    pub(super) fn under_any_name(mut self) -> Self {
        (self.open, self.any_name) = (true, true);
        self
    }

    /// The server keys of an environment's flags open it as well, for that environment.
    pub(super) fn for_keys(mut self) -> Self {
        self.for_keys = true;
        self
    }

    /// Whoever asks must be allowed to do this there.
    pub(super) fn needs(mut self, action: Action, at: At) -> Self {
        self.need = Some(Need::of(action, at));
        self
    }

    /// It passes over the rules of a protected environment where this part of a request says so.
    pub(super) fn breaks_glass(mut self, glass: Glass) -> Self {
        self.need = self.need.map(|need| Need { glass, ..need });
        self
    }

    /// It concerns what is the caller's own: everybody who is let in may use it.
    pub(super) fn own(mut self) -> Self {
        self.own = true;
        self
    }

    /// Its query string has the fields of `T`.
    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(T::json_schema);
        self
    }

    /// It takes a `T` as JSON.
    pub(super) fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(Content { media: JSON, schema: Some(schema_of::<T>) });
        self
    }

    /// It takes bytes.
    pub(super) fn takes_bytes(mut self, media: &'static str) -> Self {
        self.body = Some(Content { media, schema: None });
        self
    }

    /// It answers with a `T` as JSON.
    pub(super) fn gives<T: JsonSchema>(mut self) -> Self {
        self.answer = Content { media: JSON, schema: Some(schema_of::<T>) };
        self
    }

    /// It answers with `{}`.
    pub(super) fn gives_nothing(mut self) -> Self {
        self.answer = Content { media: JSON, schema: Some(|_| json_schema!({ "type": "object" })) };
        self
    }

    /// It answers with text.
    pub(super) fn gives_text(mut self, media: &'static str) -> Self {
        self.answer = Content { media, schema: None };
        self
    }

    /// It answers with one `T` as JSON a line.
    pub(super) fn gives_lines<T: JsonSchema>(mut self) -> Self {
        self.answer = Content { media: crate::wire::LINES_TYPE, schema: Some(schema_of::<T>) };
        self
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}
