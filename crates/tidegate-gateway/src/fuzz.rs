//! Ways in for fuzz targets, which are crates of their own: each reads bytes as they come from outside. No part of the
//! gateway's interface.

/// Whether the bytes are spelled as the value of a client's bucket cookie. One that is has no other spelling.
pub fn cookie(value: &[u8]) -> bool {
    crate::assign::parse_cookie(value).is_some_and(|written| {
        assert_eq!(written.to_string().as_bytes(), value, "two spellings of one cookie");
        true
    })
}
