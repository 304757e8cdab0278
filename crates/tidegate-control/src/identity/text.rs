//! What lets somebody in, as text: `tidegate_`, its kind, 256 random bits and a checksum, which tells a slip of the pen from a wrong
//! token and lets those who look for secrets in what was made public be sure.

use std::fmt;
use std::io;

use aws_lc_rs::rand;
use sha2::{Digest, Sha256};

/// How every one of them begins.
const START: &str = "tidegate_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const BYTES: usize = 32;
/// Digits of the random part: 62^43 is more than 2^256.
const RANDOM: usize = 43;
/// Digits of the checksum: 62^6 is more than 2^32.
const SUM: usize = 6;

/// What a text is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A person's token.
    User,
    /// A program's token.
    Service,
    /// A session of a browser.
    Session,
    /// A code that is good once.
    Once,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::User, Kind::Service, Kind::Session, Kind::Once];

    fn word(self) -> &'static str {
        match self {
            Kind::User => "user_",
            Kind::Service => "service_",
            Kind::Session => "session_",
            Kind::Once => "once_",
        }
    }
}

/// A text that lets somebody in. Its `Debug` output does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl SecretText {
    /// A new one.
    ///
    /// # Errors
    /// Where the machine has no randomness.
    pub fn made(kind: Kind) -> io::Result<Self> {
        let mut random = [0; BYTES];
        rand::fill(&mut random).map_err(|_| io::Error::other("the machine has no randomness"))?;
        let text = format!("{START}{}{}", kind.word(), base62(&random, RANDOM));
        let sum = checksum(&text);
        Ok(SecretText(text + &sum))
    }

    /// The text, to be shown once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a text is for, where it is one of these and none of its characters is another than it was.
pub fn kind_of(text: &str) -> Option<Kind> {
    let rest = text.strip_prefix(START)?;
    let (kind, digits) =
        Kind::ALL.into_iter().find_map(|kind| Some((kind, rest.strip_prefix(kind.word())?)))?;
    let shaped = digits.len() == RANDOM + SUM && digits.bytes().all(|b| b.is_ascii_alphanumeric());
    if !shaped {
        return None;
    }
    let (before, sum) = text.split_at(text.len() - SUM);
    (checksum(before) == sum).then_some(kind)
}

/// It keeps nothing secret: the first bits of a digest of what is in the text anyway.
fn checksum(text: &str) -> String {
    base62(&Sha256::digest(text)[..4], SUM)
}

/// A number (the most significant byte first) in so many digits.
fn base62(bytes: &[u8], digits: usize) -> String {
    let mut number = bytes.to_vec();
    let mut text = vec![DIGITS[0]; digits];
    for digit in text.iter_mut().rev() {
        let rest = number.iter_mut().fold(0_u32, |rest, byte| {
            let value = rest * 256 + u32::from(*byte);
            *byte = (value / 62) as u8;
            value % 62
        });
        *digit = DIGITS[rest as usize];
    }
    text.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_says_what_it_is_for_and_no_two_are_the_same() {
        for kind in Kind::ALL {
            let [one, two] = [(); 2].map(|()| SecretText::made(kind).unwrap());
            assert_eq!(kind_of(one.reveal()), Some(kind), "{}", one.reveal());
            assert_ne!(one.reveal(), two.reveal());
            assert!(!format!("{one:?}").contains(&one.reveal()[20..]));
        }
    }

    #[test]
    fn a_slip_of_the_pen_is_seen() {
        let text = SecretText::made(Kind::User).unwrap().reveal().to_owned();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert_eq!(kind_of(&String::from_utf8(bytes).unwrap()), None, "{at}");
        }
        for bad in ["", "tidegate_", "tidegate_user_", &text[1..], &text[..text.len() - 1], "tidegate_user_é"]
        {
            assert_eq!(kind_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_keep_their_value() {
        assert_eq!(base62(&[0], 2), "00");
        assert_eq!(base62(&[61], 2), "0z");
        assert_eq!(base62(&[1, 0], 3), "048");
        assert_eq!(base62(&[255; BYTES], RANDOM).len(), RANDOM);
        assert_ne!(base62(&[255; BYTES], RANDOM).as_bytes()[0], b'0', "no digit too many");
    }
}
