//! Quotes a user's text in a message: short, on one line, without control characters.

const LONGEST: usize = 60;

/// The text in back-ticks, cut after 60 characters.
pub(crate) fn quote(text: &str) -> String {
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    format!("`{}`", plain(text, LONGEST))
}

/// The words in back-ticks with commas between.
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

/// The text with control characters as `?`, so that a file cannot steer the reader's terminal.
pub(crate) fn plain(text: &str, longest: usize) -> String {
    let mut plain: String = text.chars().take(longest).map(visible).collect();
    if text.chars().nth(longest).is_some() {
        plain.push('…');
    }
    plain
}

/// The character, or what stands for it where it cannot be shown.
pub(crate) fn visible(c: char) -> char {
    let steers_text =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    match c {
        '\t' => ' ',
        _ if c.is_control() || steers_text => '?',
        _ => c,
    }
}
