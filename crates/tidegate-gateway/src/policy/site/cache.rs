//! How long a browser may keep a file without asking again.

use std::path::Path;

use http::HeaderValue;

/// Of a file whose name is made from its content. All others are asked for again each time, which the tag makes cheap.
pub(super) fn control(path: &Path) -> HeaderValue {
    HeaderValue::from_static(if is_hashed(path) { "public, max-age=31536000, immutable" } else { "no-cache" })
}

/// `name.<hash>.ext` anywhere; `name-<hash>.ext` in a folder `assets`, where the common bundlers put them.
fn is_hashed(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    if name.ends_with(".html") {
        return false;
    }
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let dotted = stem.rsplit_once('.').is_some_and(|(_, hash)| is_hex_hash(hash));
    let in_assets = path.parent().is_some_and(|folder| folder.ends_with("assets"));
    dotted || in_assets && stem.get(stem.len().wrapping_sub(9)..).is_some_and(is_short_hash)
}

/// The same without asking whether the hash could be a word: a file of that very name was there before.
pub(super) fn may_be_hashed(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    let Some((stem, ending)) = name.rsplit_once('.') else { return false };
    let hash = stem.rsplit(['.', '-']).next().filter(|hash| hash.len() < stem.len());
    let long = hash.is_some_and(|hash| hash.len() >= 8 && hash.bytes().all(is_of_hash));
    ending != "html" && (long || is_hashed(path))
}

fn is_of_hash(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Digits alone could be a date, letters alone a word.
fn is_hex_hash(text: &str) -> bool {
    let hex = text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let mixed =
        text.bytes().any(|byte| byte.is_ascii_digit()) && text.bytes().any(|byte| byte.is_ascii_lowercase());
    text.len() >= 8 && hex && mixed
}

/// `-` and eight characters of a kind that no word is made of.
fn is_short_hash(text: &str) -> bool {
    let Some(hash) = text.strip_prefix('-') else { return false };
    let all = hash.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let some = |is: fn(&u8) -> bool| hash.as_bytes().iter().any(is);
    all && some(u8::is_ascii_uppercase) && some(u8::is_ascii_lowercase) && some(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_made_from_content_are_kept() {
        for (path, hashed) in [
            ("main.3f2a1b9c.js", true),
            ("css/site.0123456789abcdef0123.css", true),
            ("assets/index-BxK3nD9a.js", true),
            ("index-BxK3nD9a.js", false),
            ("main.js", false),
            ("main.20240101.js", false),
            ("main.deadbeef.js", false),
            ("jquery-3.7.1.min.js", false),
            ("assets/index-template.js", false),
            ("assets/a.js", false),
            ("main.3f2a1b9c.html", false),
            ("LICENSE", false),
        ] {
            assert_eq!(is_hashed(Path::new(path)), hashed, "{path}");
        }
    }
}
