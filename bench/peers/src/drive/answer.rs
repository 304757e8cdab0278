//! An answer as the client reads it: the head, then as many bytes as that says, and no more.

/// The bytes of an answer's body of a length.
pub fn body(length: usize) -> impl Iterator<Item = u8> {
    // No round period, so that a piece that is missing or doubled shows.
    (0..length).map(|index| b'a' + (index % 23) as u8)
}

/// How far an answer is read.
#[derive(Debug, Default)]
pub(super) struct Answer {
    head: Vec<u8>,
    body_left: Option<usize>,
}

/// What became of bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// More is to come.
    More,
    /// The answer is complete.
    Done,
    /// This is not the answer that was expected.
    Wrong,
}

impl Answer {
    /// Forgets the answer before.
    pub(super) fn reset(&mut self) {
        self.head.clear();
        self.body_left = None;
    }

    /// Bytes of the body that are still to come, once the head is read.
    pub(super) fn body_left(&self) -> Option<usize> {
        self.body_left
    }

    /// Takes bytes of a body whose content does not matter.
    pub(super) fn skip(&mut self, count: usize) -> Step {
        match self.body_left.and_then(|left| left.checked_sub(count)) {
            Some(left) => {
                self.body_left = Some(left);
                if left == 0 { Step::Done } else { Step::More }
            }
            None => Step::Wrong,
        }
    }

    /// Takes bytes of an answer whose body must have this length.
    pub(super) fn take(&mut self, bytes: &[u8], expected: usize) -> Step {
        if self.body_left.is_some() {
            return self.skip(bytes.len());
        }
        if self.head.is_empty() {
            return match head_length(bytes, expected) {
                Ok(Some(length)) => self.begin_body(expected, bytes.len() - length),
                Ok(None) => {
                    self.head.extend_from_slice(bytes);
                    Step::More
                }
                Err(()) => Step::Wrong,
            };
        }
        self.head.extend_from_slice(bytes);
        match head_length(&self.head, expected) {
            Ok(Some(length)) => self.begin_body(expected, self.head.len() - length),
            Ok(None) => Step::More,
            Err(()) => Step::Wrong,
        }
    }

    fn begin_body(&mut self, expected: usize, came: usize) -> Step {
        self.head.clear();
        self.body_left = Some(expected);
        self.skip(came)
    }
}

/// The length of a head that says 200 and the length expected; `None` where it is not complete.
fn head_length(bytes: &[u8], expected: usize) -> Result<Option<usize>, ()> {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = response.parse(bytes).map_err(|_| ())? else { return Ok(None) };
    let mut lengths =
        response.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("content-length"));
    let said = lengths.next().and_then(|field| std::str::from_utf8(field.value).ok()?.parse::<usize>().ok());
    if response.code == Some(200) && said == Some(expected) { Ok(Some(length)) } else { Err(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";

    #[test]
    fn an_answer_is_done_at_its_last_byte_however_it_is_cut() {
        let whole = [HEAD, b"abcde"].concat();
        for cut in 1..whole.len() {
            let mut answer = Answer::default();
            assert_eq!(answer.take(&whole[..cut], 5), Step::More, "{cut}");
            assert_eq!(answer.take(&whole[cut..], 5), Step::Done, "{cut}");
        }
        assert_eq!(Answer::default().take(&whole, 5), Step::Done);
    }

    #[test]
    fn other_statuses_other_lengths_and_bytes_after_the_end_are_wrong() {
        assert_eq!(Answer::default().take(&[HEAD, b"abcdef"].concat(), 5), Step::Wrong);
        assert_eq!(Answer::default().take(HEAD, 6), Step::Wrong);
        assert_eq!(Answer::default().take(b"HTTP/1.1 503 No\r\ncontent-length: 5\r\n\r\n", 5), Step::Wrong);
        assert_eq!(Answer::default().take(b"HTTP/1.1 200 OK\r\n\r\n", 5), Step::Wrong);
    }
}
