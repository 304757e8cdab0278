//! Networks in CIDR form, and whether an address is in one of them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::PolicyError;

/// A set of addresses. Looking one up costs the logarithm of how many networks there are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Networks {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    /// Reads addresses (`10.0.0.9`) and networks (`10.0.0.0/8`, `fd00::/8`). An IPv4 network written as mapped IPv6 is that
    /// IPv4 network.
    pub(super) fn parse(at: &'static str, texts: &[String]) -> Result<Self, PolicyError> {
        let mut networks = Networks::default();
        for text in texts {
            let wrong =
                || PolicyError::new(at, format!("`{text}` is no address and no network like `10.0.0.0/8`"));
            let range = network(text).ok_or_else(wrong)?;
            let (is_v4, first, last) = range;
            if is_v4 { networks.v4.push((first, last)) } else { networks.v6.push((first, last)) }
        }
        merge(&mut networks.v4);
        merge(&mut networks.v6);
        Ok(networks)
    }

    /// Whether the address is in one of them.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let (ranges, number) = match address.to_canonical() {
            IpAddr::V4(v4) => (&self.v4, u128::from(v4.to_bits())),
            IpAddr::V6(v6) => (&self.v6, v6.to_bits()),
        };
        let after = ranges.partition_point(|(first, _)| *first <= number);
        after.checked_sub(1).is_some_and(|at| number <= ranges[at].1)
    }
}

/// Whether it is IPv4, its first address and its last.
fn network(text: &str) -> Option<(bool, u128, u128)> {
    let net: IpNet = match text.parse() {
        Ok(net) => net,
        Err(_) => IpNet::from(text.parse::<IpAddr>().ok()?),
    };
    let (first, last) = (net.network().to_canonical(), net.broadcast().to_canonical());
    match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => Some((true, first.to_bits().into(), last.to_bits().into())),
        (IpAddr::V6(first), IpAddr::V6(last)) => Some((false, first.to_bits(), last.to_bits())),
        // Wider than the mapped addresses and so around them: IPv6 at its one end only.
        (IpAddr::V4(first), IpAddr::V6(last)) => {
            Some((false, first.to_ipv6_mapped().to_bits(), last.to_bits()))
        }
        (IpAddr::V6(first), IpAddr::V4(last)) => {
            Some((false, first.to_bits(), last.to_ipv6_mapped().to_bits()))
        }
    }
}

/// Sorts ranges and joins those that meet, so that the last one to begin before an address decides.
fn merge(ranges: &mut Vec<(u128, u128)>) {
    ranges.sort_unstable();
    let mut merged: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for &(first, last) in ranges.iter() {
        match merged.last_mut() {
            Some(before) if first <= before.1 => before.1 = before.1.max(last),
            _ => merged.push((first, last)),
        }
    }
    *ranges = merged;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn networks(texts: &[&str]) -> Networks {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        Networks::parse("allow", &texts).unwrap()
    }

    #[test]
    fn addresses_and_networks_of_both_kinds() {
        let allowed = networks(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32", "::ffff:172.16.0.0/108"]);
        for (address, inside) in [
            ("10.255.255.255", true),
            ("11.0.0.0", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::ffff:10.1.2.3", true),
            ("172.31.9.9", true),
            ("172.32.0.0", false),
            ("2001:db8:ffff::1", true),
            ("2001:db9::1", false),
            ("::a00:1", false),
        ] {
            assert_eq!(allowed.contains(address.parse().unwrap()), inside, "{address}");
        }
        assert!(!Networks::default().contains("127.0.0.1".parse().unwrap()));
        assert!(!networks(&["::/0"]).contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network() {
        for text in ["", "10.0.0.0/33", "10.0.0", "example.test", "10.0.0.1-10.0.0.9", "::/129", "10.0.0.0/"]
        {
            let error = Networks::parse("allow", &[text.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(text), "{error}");
        }
    }

    proptest! {
        #[test]
        fn ranges_agree_with_trying_every_network(
            nets in proptest::collection::vec((0u32..64, 26u8..=32), 0..8),
            addresses in proptest::collection::vec(0u32..80, 1..16),
        ) {
            let texts: Vec<String> =
                nets.iter().map(|(host, bits)| format!("10.0.0.{host}/{bits}")).collect();
            let ours = Networks::parse("allow", &texts).unwrap();
            for host in addresses {
                let address: IpAddr = format!("10.0.0.{host}").parse().unwrap();
                let naive = texts.iter().any(|text| text.parse::<IpNet>().unwrap().contains(&address));
                prop_assert_eq!(ours.contains(address), naive);
            }
        }
    }
}
