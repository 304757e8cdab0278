//! Where an address is: what rules and geographic balancing may ask of it.

use std::net::IpAddr;

/// A code of up to three letters or digits, as ISO 3166 has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Code([u8; 3]);

impl Code {
    /// `None` where the text is no such code.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let fits = (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let mut code = [0; 3];
        fits.then(|| code[..text.len()].copy_from_slice(text.as_bytes()))?;
        Some(Code(code))
    }

    /// As text.
    pub(crate) fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        std::str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

/// What is known of where an address is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Whereabouts {
    /// ISO 3166-1 alpha-2.
    pub(crate) country: Option<Code>,
    /// ISO 3166-2 without the country: the largest subdivision and the one within it, as England and London are.
    pub(crate) regions: [Option<Code>; 2],
    /// AF, AN, AS, EU, NA, OC or SA.
    pub(crate) continent: Option<Code>,
    /// Latitude and longitude, in degrees.
    pub(crate) location: Option<(f32, f32)>,
}

/// Something that knows where addresses are. A worker's is [`super::Atlas`].
pub(crate) trait Locate {
    /// `None`: nothing is known of the address.
    fn locate(&self, address: IpAddr) -> Option<Whereabouts>;
}

/// No database.
#[cfg(test)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nowhere;

#[cfg(test)]
impl Locate for Nowhere {
    fn locate(&self, _: IpAddr) -> Option<Whereabouts> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_one_to_three_letters_or_digits() {
        for code in ["DE", "BY", "ENG", "1"] {
            assert_eq!(Code::new(code).unwrap().as_str(), code);
        }
        for other in ["", "ABCD", "Ä", "A-B"] {
            assert_eq!(Code::new(other), None, "{other}");
        }
    }
}
