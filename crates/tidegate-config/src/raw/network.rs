//! Addresses and networks.

use std::net::IpAddr;

use super::text::Rule;
use crate::codes::{self, Code};

/// An address, or a network in CIDR form without bits behind its prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network(pub(crate) String);

impl Rule for Network {
    const WHAT: &'static str = "an address or a network";
    const CODE: Code = codes::BAD_NETWORK;
    const PATTERN: &'static str = "^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$";

    fn parse(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let shape = || "write `10.1.2.3`, `10.0.0.0/8` or `2001:db8::/32`".to_owned();
        let address: IpAddr = address.parse().map_err(|_| shape())?;
        let Some(prefix) = prefix else { return Ok(Network(address.to_string())) };
        let longest: u8 = if address.is_ipv4() { 32 } else { 128 };
        let digits = (1..=3).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_digit());
        let length = prefix.parse::<u8>().ok().filter(|length| digits && *length <= longest);
        let length = length.ok_or_else(|| format!("the prefix is a number from 0 to {longest}"))?;
        let network = masked(address, length);
        if network == address {
            Ok(Network(format!("{address}/{length}")))
        } else {
            Err(format!("bits behind the prefix have no meaning: write `{network}/{length}`"))
        }
    }
}

/// The address with the bits behind the prefix cleared.
fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::V4((u32::from(v4) & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::V6((u128::from(v6) & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_kept_as_they_are_compared() {
        for (text, kept) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("192.0.2.7", "192.0.2.7"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("10.1.2.3/32", "10.1.2.3/32"),
        ] {
            assert_eq!(Network::parse(text).unwrap().0, kept);
        }
        let advice = Network::parse("10.1.2.3/8").unwrap_err();
        assert!(advice.contains("`10.0.0.0/8`"), "{advice}");
        for text in ["", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/+8", "::/129", "localhost"] {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
