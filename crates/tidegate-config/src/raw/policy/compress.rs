//! `compress`: answers made smaller on their way.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::{Compress, Compression};
use tidegate_core::units::ByteSize;

use crate::findings::Findings;
use crate::raw::choice::{Choice, Word};
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::size::{MIB, Size};
use crate::raw::some::OneOrMore;
use crate::tree::Value;

record! { replaced
    /// Answers made smaller, where the client can read it and the type is worth it.
    #[schemars(rename = "Compress")]
    RawCompressMap is "`compress`" {
        /// Which, most wanted first: `zstd`, `br`, `gzip`. Default: all, in this order.
        algorithms: OneOrMore<Word<Compression>>,
        /// Answers below this size stay as they are. Default 1KiB.
        min_size: Size<0, { 1024 * MIB }>,
    }
}

/// `true`, `false`, algorithms, or a map. `None`: answers stay as they are.
#[derive(Clone, Debug)]
pub(crate) struct RawCompress(pub(crate) Option<Compress>);

const ALL: [Compression; 3] = [Compression::Zstd, Compression::Brotli, Compression::Gzip];
const MIN_SIZE: ByteSize = ByteSize(1024);

impl Choice for Compression {
    const WHAT: &'static str = "a way to compress";
    const ALL: &'static [(&'static str, Self)] =
        &[("zstd", Compression::Zstd), ("br", Compression::Brotli), ("gzip", Compression::Gzip)];
}

/// The algorithms in the order given, each once.
fn algorithms(some: &OneOrMore<Word<Compression>>) -> Vec<Compression> {
    let mut algorithms = Vec::new();
    for Word(algorithm) in some.values() {
        if !algorithms.contains(&algorithm) {
            algorithms.push(algorithm);
        }
    }
    algorithms
}

impl Read for RawCompress {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let all = Compress { algorithms: ALL.to_vec(), min_size: MIN_SIZE };
        match &place.node.value {
            Value::Bool(word) => Some(RawCompress(word.eq_ignore_ascii_case("true").then_some(all))),
            Value::Text(_) | Value::List(_) => {
                let some = OneOrMore::read(place, findings)?;
                Some(RawCompress(Some(Compress { algorithms: algorithms(&some), ..all })))
            }
            Value::Map(_) => {
                let map = RawCompressMap::read(place, findings)?;
                Some(RawCompress(Some(Compress {
                    algorithms: map.algorithms.value().map_or(all.algorithms, algorithms),
                    min_size: map.min_size.value().map_or(MIN_SIZE, |size| size.0),
                })))
            }
            Value::Null | Value::Number(_) | Value::Reported => {
                place.report_type("`true`, a list of algorithms or a map", findings);
                None
            }
        }
    }
}

impl JsonSchema for RawCompress {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "CompressForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let some = generator.subschema_for::<OneOrMore<Word<Compression>>>();
        let map = generator.subschema_for::<RawCompressMap>();
        json_schema!({ "anyOf": [{ "type": "boolean" }, some, map] })
    }
}
