//! The corpus as it is written down in `tests/corpus`: blocks of a name, a verdict and a message, with an empty line between
//! them. A message goes on over lines; their ends are none of its own. `\r`, `\n`, `\t`, `\\`, `\xNN` stand for bytes and
//! `\{N TEXT}` for a text N times over. A line that begins with `-> ` begins what comes out at the other side.

use std::path::Path;

/// One message and what must become of it.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    /// The words of its verdict; each test knows its own.
    pub verdict: Vec<String>,
    pub bytes: Vec<u8>,
    pub arrives: Option<Vec<u8>>,
}

impl Case {
    pub fn is(&self, word: &str) -> bool {
        self.verdict.iter().any(|other| other == word)
    }

    /// The word behind another one.
    pub fn after(&self, word: &str) -> Option<&str> {
        let at = self.verdict.iter().position(|other| other == word)?;
        self.verdict.get(at + 1).map(String::as_str)
    }

    /// The names behind `without`.
    pub fn without(&self) -> impl Iterator<Item = &str> {
        self.after("without").into_iter().flat_map(|names| names.split(','))
    }

    /// The number behind a word.
    pub fn status(&self, word: &str) -> Option<u16> {
        self.after(word).map(|status| status.parse().unwrap())
    }
}

/// All cases of a folder.
pub fn read(folder: &str) -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(folder);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|end| end == "http")).collect();
    files.sort();
    files.iter().flat_map(|file| read_file(file)).collect()
}

fn read_file(file: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(file).unwrap();
    let stem = file.file_stem().unwrap().to_str().unwrap();
    text.split("\n\n").filter(|block| !block.trim().is_empty()).map(|block| read_block(stem, block)).collect()
}

fn read_block(stem: &str, block: &str) -> Case {
    let mut lines = block.lines().filter(|line| !line.is_empty());
    let name = lines.next().and_then(|line| line.strip_prefix("# "));
    let name =
        format!("{stem}: {}", name.unwrap_or_else(|| panic!("{stem}: a block without a name: {block}")));
    let verdict = lines.next().unwrap_or_default().split(' ').map(str::to_owned).collect();
    let (mut bytes, mut arrives) = (Vec::new(), None);
    for line in lines {
        match (line.strip_prefix("-> "), &mut arrives) {
            (Some(first), _) => arrives = Some(unescape(first)),
            (None, Some(arrives)) => arrives.extend(unescape(line)),
            (None, None) => bytes.extend(unescape(line)),
        }
    }
    assert!(!bytes.is_empty(), "{name}: no message");
    Case { name, verdict, bytes, arrives }
}

fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.extend_from_slice(plain.as_bytes());
        let (bytes, used) = one(escape);
        out.extend(bytes);
        rest = &escape[used..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// What an escape stands for, and how long it is.
fn one(escape: &str) -> (Vec<u8>, usize) {
    match escape.as_bytes()[0] {
        b'r' => (vec![b'\r'], 1),
        b'n' => (vec![b'\n'], 1),
        b't' => (vec![b'\t'], 1),
        b'\\' => (vec![b'\\'], 1),
        b'x' => (vec![u8::from_str_radix(&escape[1..3], 16).unwrap()], 3),
        b'{' => {
            let end = escape.find('}').unwrap();
            let (times, text) = escape[1..end].split_once(' ').unwrap();
            (unescape(text).repeat(times.parse().unwrap()), end + 1)
        }
        other => panic!("no such escape: \\{}", char::from(other)),
    }
}
