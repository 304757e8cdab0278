//! Git's way of sending lines: four hex digits with the length of the line and of themselves, then the line; `0000` ends a
//! group of lines.

use std::io::{self, Read, Write};

/// The longest line with its length, as Git has it.
const LONGEST: usize = 65_520;

/// The lines up to the end of their group, at most `most`.
pub(super) fn read_group(input: &mut impl Read, most: usize) -> io::Result<Vec<String>> {
    let mut lines = Vec::new();
    while let Some(line) = read_line(input)? {
        if lines.len() == most {
            return Err(invalid("too many lines"));
        }
        lines.push(line);
    }
    Ok(lines)
}

/// A line; `None`: the end of the group.
fn read_line(input: &mut impl Read) -> io::Result<Option<String>> {
    let mut digits = [0; 4];
    input.read_exact(&mut digits)?;
    let digits = std::str::from_utf8(&digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()));
    let length = digits.and_then(|text| usize::from_str_radix(text, 16).ok());
    let length = length.ok_or_else(|| invalid("a line without a length"))?;
    match length {
        0 => Ok(None),
        4..=LONGEST => {
            let mut line = vec![0; length - 4];
            input.read_exact(&mut line)?;
            String::from_utf8(line).map(Some).map_err(|_| invalid("a line that is not UTF-8"))
        }
        _ => Err(invalid("a line of an impossible length")),
    }
}

/// Writes a group of lines and its end.
pub(super) fn write_group(out: &mut impl Write, lines: &[String]) -> io::Result<()> {
    for line in lines {
        let end = line.floor_char_boundary(LONGEST - 4);
        write!(out, "{:04x}{}", end + 4, &line[..end])?;
    }
    out.write_all(b"0000")?;
    out.flush()
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let lines = ["version=1\0atomic", "", "ok refs/heads/main"].map(str::to_owned);
        let mut bytes = Vec::new();
        write_group(&mut bytes, &lines).unwrap();
        assert_eq!(&bytes[..20], b"0014version=1\0atomic");
        assert_eq!(read_group(&mut bytes.as_slice(), 3).unwrap(), lines);
        assert!(read_group(&mut bytes.as_slice(), 2).is_err());
    }

    #[test]
    fn nonsense_is_refused() {
        for bad in [&b"0003"[..], b"+004", b"fff5", b"000", b"0006a", b"0005\xff"] {
            assert!(read_group(&mut &bad[..], 9).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_cut() {
        let mut bytes = Vec::new();
        write_group(&mut bytes, &["é".repeat(40_000)]).unwrap();
        assert_eq!(read_group(&mut bytes.as_slice(), 1).unwrap()[0].len(), LONGEST - 4);
    }
}
