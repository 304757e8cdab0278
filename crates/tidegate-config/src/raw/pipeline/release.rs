//! Keys of flags, as keys of a map.

use tidegate_core::model::FlagKey;

use super::super::text::Rule;
use crate::codes::{self, Code};

impl Rule for FlagKey {
    const WHAT: &'static str = "the key of a flag";
    const CODE: Code = codes::BAD_FLAG_KEY;
    const PATTERN: &'static str = "^[A-Za-z0-9._-]{1,200}$";

    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|error: tidegate_core::model::FlagKeyError| error.to_string())
    }
}
