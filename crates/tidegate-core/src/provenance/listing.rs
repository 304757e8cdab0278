//! The listing of a build: a line of text for everything in it. A build is known by the SHA-256 of this text.

use std::collections::BTreeMap;
use std::fmt;

/// Everything below a folder, sorted by path, the folder itself not among it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    lines: Vec<Line>,
}

/// One of its lines: `KIND DIGEST PATH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Path from the folder, with `/`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// SHA-256 in hex of a file's contents or of a link's target; `-` for all else.
    pub digest: String,
}

/// What a line is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A file that its owner may execute.
    Executable,
    /// A symbolic link.
    Link,
    /// A folder.
    Folder,
    /// Something else: a socket, a pipe, a device.
    Other,
}

/// More differences are not told one by one.
const MOST_TOLD: usize = 20;

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::File => "file",
            Kind::Executable => "exec",
            Kind::Link => "link",
            Kind::Folder => "dir",
            Kind::Other => "other",
        }
    }

    fn of(word: &str) -> Option<Kind> {
        [Kind::File, Kind::Executable, Kind::Link, Kind::Folder, Kind::Other]
            .into_iter()
            .find(|kind| kind.word() == word)
    }

    /// For people.
    fn called(self) -> &'static str {
        match self {
            Kind::File => "a file",
            Kind::Executable => "a file that can be executed",
            Kind::Link => "a link",
            Kind::Folder => "a folder",
            Kind::Other => "neither a file nor a link nor a folder",
        }
    }
}

impl Listing {
    /// Of these lines, in whatever order.
    pub fn new(mut lines: Vec<Line>) -> Self {
        lines.sort_by(|a, b| a.path.cmp(&b.path));
        Listing { lines }
    }

    /// Its lines, sorted by path.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The text whose SHA-256 a build is known by. In paths `\` is written `\\` and a line break `\n`.
    pub fn text(&self) -> String {
        use fmt::Write;
        let mut text = String::new();
        for line in &self.lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{} {} {}", line.kind.word(), line.digest, escaped(&line.path));
        }
        text
    }

    /// The listing of a text.
    ///
    /// # Errors
    /// The number of the first line that is none.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let lines = text.lines().enumerate().map(|(at, line)| parsed(line).ok_or(at + 1));
        Ok(Listing::new(lines.collect::<Result<_, _>>()?))
    }

    /// In what a folder differs from this listing, in words: at most a few, and how many more there are.
    pub fn differences(&self, found: &Listing) -> Vec<String> {
        let old: BTreeMap<&str, &Line> = self.lines.iter().map(|line| (line.path.as_str(), line)).collect();
        let new: BTreeMap<&str, &Line> = found.lines.iter().map(|line| (line.path.as_str(), line)).collect();
        let changed = new.iter().filter_map(|(path, line)| match old.get(path) {
            None => Some(format!("`{path}` was added")),
            Some(before) => difference(before, line).map(|what| format!("`{path}` {what}")),
        });
        let gone = old.keys().filter(|path| !new.contains_key(*path)).map(|path| format!("`{path}` is gone"));
        let mut all: Vec<String> = changed.chain(gone).collect();
        let more = all.len().saturating_sub(MOST_TOLD);
        all.truncate(MOST_TOLD);
        all.extend((more > 0).then(|| format!("and {more} more")));
        all
    }
}

fn difference(before: &Line, now: &Line) -> Option<String> {
    match (before.kind, now.kind) {
        (Kind::File, Kind::Executable) if before.digest == now.digest => {
            Some("has another mode: it can be executed now".to_owned())
        }
        (Kind::Executable, Kind::File) if before.digest == now.digest => {
            Some("has another mode: it cannot be executed any more".to_owned())
        }
        (Kind::File | Kind::Executable, Kind::File | Kind::Executable) if before.digest != now.digest => {
            Some("has other contents".to_owned())
        }
        (Kind::Link, Kind::Link) if before.digest != now.digest => Some("leads elsewhere".to_owned()),
        (was, is) if was != is => Some(format!("was {} and is {}", was.called(), is.called())),
        _ => None,
    }
}

fn parsed(line: &str) -> Option<Line> {
    let mut parts = line.splitn(3, ' ');
    let (kind, digest, path) = (Kind::of(parts.next()?)?, parts.next()?, parts.next()?);
    Some(Line { path: unescaped(path)?, kind, digest: digest.to_owned() })
}

fn escaped(path: &str) -> String {
    path.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescaped(text: &str) -> Option<String> {
    let mut path = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => path.push(match letters.next()? {
                '\\' => '\\',
                'n' => '\n',
                _ => return None,
            }),
            letter => path.push(letter),
        }
    }
    Some(path)
}
