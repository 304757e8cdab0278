//! A notice as an e-mail: RFC 5322, plain text in UTF-8, eight bits a character.

use super::Notice;

/// The longest subject, in characters.
const LONGEST_SUBJECT: usize = 120;
/// The longest line of a body, in bytes: RFC 5321 allows 998.
const LONGEST_LINE: usize = 900;

/// The letter, its lines ended by CR LF and none of them only a dot away from its end. `id` is made a unique name by the
/// sender's host.
pub fn letter(notice: &Notice, (from, to): (&str, &[String]), date: &str) -> String {
    let message = &notice.event.message;
    let subject: String = format!("{}: {message}", notice.about()).chars().take(LONGEST_SUBJECT).collect();
    let domain = from.rsplit_once('@').map_or("localhost", |(_, domain)| domain);
    let head = [
        format!("From: {}", safe_header(from)),
        format!("To: {}", safe_header(&to.join(", "))),
        format!("Subject: {}", encoded(&safe_header(&subject))),
        format!("Date: {date}"),
        format!("Message-ID: <tidegate-{}@{}>", notice.id(), safe_header(domain)),
        "MIME-Version: 1.0".to_owned(),
        "Content-Type: text/plain; charset=utf-8".to_owned(),
        "Content-Transfer-Encoding: 8bit".to_owned(),
        "Auto-Submitted: auto-generated".to_owned(),
    ];
    let body = format!(
        "{message}\n\n{}  {}\n{}\n\nMore: tidegate events, tidegate pipeline show\n",
        notice.about(),
        notice.event.kind,
        notice.at
    );
    let body = body.lines().flat_map(broken).map(stuffed);
    let lines = head.into_iter().chain([String::new()]).chain(body);
    lines.map(|line| line + "\r\n").collect()
}

/// A text that cannot begin another field.
pub fn safe_header(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A subject as RFC 2047 has it where it is more than ASCII, so that no server has to be asked for more.
fn encoded(subject: &str) -> String {
    if subject.is_ascii() {
        return subject.to_owned();
    }
    // Words of at most 75 characters: three for each byte, and `=?utf-8?Q??=` around them.
    let mut words = vec![String::new()];
    for c in subject.chars() {
        let mut bytes = [0; 4];
        let quoted: String = c.encode_utf8(&mut bytes).bytes().map(|byte| format!("={byte:02X}")).collect();
        match words.last_mut() {
            Some(word) if word.len() + quoted.len() <= 60 => word.push_str(&quoted),
            _ => words.push(quoted),
        }
    }
    words.iter().map(|word| format!("=?utf-8?Q?{word}?=")).collect::<Vec<_>>().join("\r\n ")
}

/// A line in pieces that every server takes.
fn broken(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for c in line.chars().filter(|c| !c.is_control() || *c == '\t') {
        match pieces.last_mut() {
            Some(piece) if piece.len() + c.len_utf8() <= LONGEST_LINE => piece.push(c),
            _ => pieces.push(c.to_string()),
        }
    }
    pieces
}

/// A line that begins with a dot gets another: a dot alone ends a letter.
fn stuffed(line: String) -> String {
    if line.starts_with('.') { format!(".{line}") } else { line }
}
