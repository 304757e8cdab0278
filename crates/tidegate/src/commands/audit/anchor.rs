//! `--anchor`: how far somebody knew the log to be. As text, or in a file: an export, its last line, or the server's own `audit.head`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;
use tidegate_core::audit::{Anchor, Line};

use crate::failure::Failure;

/// The longest last line that is looked for.
const LONGEST: u64 = 64 << 10;

/// `audit.head`, whose code only the server can check.
#[derive(Deserialize)]
struct Sealed {
    anchor: Anchor,
}

/// What was typed.
pub(super) fn of(typed: &str) -> Result<Anchor, Failure> {
    if let Ok(anchor) = typed.parse() {
        return Ok(anchor);
    }
    let path = Path::new(typed);
    let text = last_line(path).map_err(|error| {
        Failure::mistake(
            format!("`{typed}` is no anchor, and no file that can be read: {error}"),
            "an anchor is like 17:9f86d081…, from the last line of an export or of `tidegate audit verify`",
        )
    })?;
    in_text(&text).ok_or_else(|| {
        Failure::mistake(
            format!("{typed} does not end with an anchor"),
            "name an export, or a file with its last line",
        )
    })
}

fn in_text(text: &str) -> Option<Anchor> {
    if let Ok(Line::Head(anchor)) = Line::read(text) {
        return Some(anchor);
    }
    let sealed = serde_json::from_str::<Sealed>(text).ok().map(|sealed| sealed.anchor);
    sealed.or_else(|| text.parse().ok())
}

fn last_line(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST)))?;
    let mut end = Vec::new();
    file.take(LONGEST).read_to_end(&mut end)?;
    let text = String::from_utf8_lossy(&end);
    Ok(text.trim_end().lines().next_back().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_found_in_whatever_holds_one() {
        let anchor = Anchor::of_nothing("0123", 7);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kept");
        let sealed = serde_json::json!({ "anchor": anchor, "mac": "00" }).to_string();
        let export = format!("{{\"entry\":{{}}}}\n{}\n", Line::Head(anchor.clone()).write());
        for text in [sealed, export, format!("{anchor}\n")] {
            std::fs::write(&file, &text).unwrap();
            let found = of(file.to_str().unwrap()).unwrap();
            assert_eq!((found.seq, found.hash), (0, anchor.hash), "{text}");
        }
        assert_eq!(of(&anchor.to_string()).unwrap().hash, anchor.hash);
        std::fs::write(&file, "nothing of the kind").unwrap();
        assert!(of(file.to_str().unwrap()).is_err());
        assert!(of("nowhere").is_err());
    }
}
