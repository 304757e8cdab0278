//! What tells one client from another.

use tidegate_core::model::ClientKey;

use super::header::is_token;
use super::text::Rule;
use crate::codes::{self, Code};
use crate::nearest::did_you_mean;

impl Rule for ClientKey {
    const WHAT: &'static str = "what tells clients apart";
    const CODE: Code = codes::BAD_CLIENT_KEY;
    const PATTERN: &'static str = "^(address|(header|cookie):[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128})$";

    fn parse(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once(':').map_or((text, ""), |(kind, name)| (kind, name.trim()));
        match kind {
            "address" if name.is_empty() => Ok(ClientKey::Address),
            "header" if is_token(name) => Ok(ClientKey::Header(name.to_ascii_lowercase())),
            "cookie" if is_token(name) => Ok(ClientKey::Cookie(name.to_owned())),
            _ => Err(format!("write {}{}", SHAPES, did_you_mean(kind, ["address", "header", "cookie"]))),
        }
    }
}

const SHAPES: &str = "`address`, `header:NAME` or `cookie:NAME`";
