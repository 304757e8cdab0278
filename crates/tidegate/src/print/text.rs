//! Prose and quotes.

const WIDTH: usize = 80;

/// A paragraph broken into lines.
pub fn wrapped(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        }
        if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
    out
}

/// Lines someone else wrote, under a title and set apart. What could steer a terminal is shown as `?`. Nothing where there
/// are none.
pub fn quoted(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let quoted = lines.iter().map(|line| format!("  | {}\n", harmless(line)));
    format!("{title}\n{}", quoted.collect::<String>())
}

/// Lines someone else wrote, each after who wrote it.
pub fn attributed(who: &str, lines: &[String]) -> String {
    lines.iter().map(|line| format!("{who} | {}\n", harmless(line))).collect()
}

/// A text someone else wrote, for a line of ours.
pub fn harmless(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_cannot_steer_a_terminal() {
        assert_eq!(quoted("it said:", &["\x1b[2Jhello\r".to_owned()]), "it said:\n  | ?[2Jhello?\n");
        assert_eq!(quoted("it said:", &[]), "");
    }

    #[test]
    fn no_line_is_wider_than_a_terminal() {
        let text = "word ".repeat(100);
        assert!(wrapped(&text).lines().all(|line| line.len() <= WIDTH));
        assert_eq!(wrapped(&text).split_whitespace().count(), 100);
    }
}
