//! The types of a path's variable parts, learned from the parameters of the handler that reads them.

use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, Uri};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::SchemaOf;
use crate::server::access::Asker;
use crate::server::extract::{JsonBody, Params, PathOf};
use crate::server::server_key::EventScope;

/// What a handler takes, as [`axum::handler::Handler`] has it: a marker, then each of its parameters.
pub(in crate::server) trait ReadsPath {
    /// What it reads of the path; `None`: nothing.
    fn parts() -> Option<SchemaOf>;
}

/// One parameter of a handler.
pub(in crate::server) trait Part {
    /// What it reads of the path; `None`: nothing.
    fn parts() -> Option<SchemaOf> {
        None
    }
}

impl<T: JsonSchema> Part for PathOf<T> {
    fn parts() -> Option<SchemaOf> {
        Some(schema_of::<T>)
    }
}

impl<T: JsonSchema> Part for Path<T> {
    fn parts() -> Option<SchemaOf> {
        Some(schema_of::<T>)
    }
}

fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl<T> Part for State<T> {}
impl<T> Part for Extension<T> {}
impl<T> Part for Params<T> {}
impl<T> Part for JsonBody<T> {}
impl Part for Asker {}
impl Part for EventScope {}
impl Part for Body {}
impl Part for HeaderMap {}
impl Part for Uri {}

macro_rules! reads_path {
    ($($part:ident)*) => {
        impl<M, $($part: Part),*> ReadsPath for (M, $($part,)*) {
            fn parts() -> Option<SchemaOf> {
                None$(.or_else($part::parts))*
            }
        }
    };
}

reads_path!();
reads_path!(A);
reads_path!(A B);
reads_path!(A B C);
reads_path!(A B C D);
reads_path!(A B C D E);
reads_path!(A B C D E F);
