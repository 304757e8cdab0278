//! Media types: which one a file has, and which are text that is worth being made smaller.

use std::path::Path;

/// The media type of a file, by its name.
pub(super) fn of_file(path: &Path) -> String {
    let guess = mime_guess::from_path(path).first_or_octet_stream();
    let kind = match guess.essence_str() {
        // RFC 9239: every other name of it is obsolete.
        "application/javascript" | "application/x-javascript" => "text/javascript",
        other => other,
    };
    if is_text(kind) { format!("{kind}; charset=utf-8") } else { kind.to_owned() }
}

/// Whether a `Content-Type` is of something that gets smaller.
pub(super) fn is_compressible(kind: &str) -> bool {
    let bare = kind.split(';').next().unwrap_or_default().trim();
    // A stream of events is made of small pieces that must not wait for one another.
    let stream = bare.eq_ignore_ascii_case("text/event-stream");
    !stream && (is_text(kind) || bare.eq_ignore_ascii_case("application/wasm"))
}

fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let named = matches!(
        kind.as_str(),
        "application/javascript"
            | "application/json"
            | "application/manifest+json"
            | "application/x-javascript"
            | "application/x-ndjson"
            | "application/xml"
            | "image/svg+xml"
    );
    named || kind.starts_with("text/") || kind.ends_with("+json") || kind.ends_with("+xml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_says_its_characters() {
        for (name, kind) in [
            ("a.html", "text/html; charset=utf-8"),
            ("a.js", "text/javascript; charset=utf-8"),
            ("a.mjs", "text/javascript; charset=utf-8"),
            ("a.css", "text/css; charset=utf-8"),
            ("a.json", "application/json; charset=utf-8"),
            ("a.svg", "image/svg+xml; charset=utf-8"),
            ("a.png", "image/png"),
            ("a.woff2", "font/woff2"),
            ("a.wasm", "application/wasm"),
            ("a.webmanifest", "application/manifest+json; charset=utf-8"),
            ("a", "application/octet-stream"),
        ] {
            assert_eq!(of_file(Path::new(name)), kind, "{name}");
        }
    }
}
