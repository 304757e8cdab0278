//! Keys that have no effect where they stand: accepted, with a warning.

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;

/// The warning that a key does nothing.
pub(crate) fn not_used_yet(subject: &str, key: Span) -> Diagnostic {
    Diagnostic::warning(codes::NOT_USED_YET, format!("{subject} is not used by this version yet"))
        .at(key, "has no effect")
}
