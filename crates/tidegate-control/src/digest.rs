//! Digests of values: the same content has the same digest, whatever order it was written in.

use serde::Serialize;

use crate::snapshot::digest_of;

/// SHA-256 in hex of a value's JSON. Maps in the model are sorted, so the JSON is canonical.
pub fn digest_json(value: &impl Serialize) -> String {
    // Serialising plain data into memory fails only for maps with keys that are no strings; the model has none.
    let json = serde_json::to_vec(value).expect("the model's maps have string keys");
    digest_of(&[&json])
}
