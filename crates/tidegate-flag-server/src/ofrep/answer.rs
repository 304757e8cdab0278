//! What a flag is worth, as JSON. Written by hand into one buffer: a page asks for all flags at once.

use tidegate_flags::{Failure, Resolution};

use crate::selection::Selection;

/// A resolved flag. A number of a flag of real numbers has a point even where it is whole.
pub(super) fn resolved(out: &mut Vec<u8>, key: &str, resolution: &Resolution<'_>, selection: &Selection) {
    out.extend_from_slice(b"{\"key\":");
    string(out, key);
    if let Some(value) = resolution.value {
        out.extend_from_slice(b",\"value\":");
        json(out, value);
        if (value.is_i64() || value.is_u64()) && selection.is_real(key) {
            out.extend_from_slice(b".0");
        }
    }
    out.extend_from_slice(b",\"reason\":\"");
    out.extend_from_slice(resolution.reason.as_str().as_bytes());
    // There is always one, an empty one too: some clients cannot do without.
    out.extend_from_slice(b"\",\"variant\":");
    string(out, resolution.variant.unwrap_or_default());
    out.extend_from_slice(b",\"metadata\":");
    json(out, &resolution.metadata);
    out.push(b'}');
}

/// A flag that could not be resolved.
pub(super) fn failed(out: &mut Vec<u8>, key: &str, failure: &Failure) {
    out.extend_from_slice(b"{\"key\":");
    string(out, key);
    out.extend_from_slice(b",\"errorCode\":\"");
    out.extend_from_slice(failure.code.as_str().as_bytes());
    out.extend_from_slice(b"\",\"errorDetails\":");
    string(out, &failure.details);
    out.extend_from_slice(b",\"metadata\":");
    json(out, &failure.metadata);
    out.push(b'}');
}

/// Text, quoted.
pub(super) fn string(out: &mut Vec<u8>, text: &str) {
    json(out, text);
}

/// Anything that is JSON already.
pub(super) fn json<T: serde::Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value).expect("memory takes it, and maps have strings for keys");
}
