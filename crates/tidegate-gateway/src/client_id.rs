//! What tells one client from another. Arms, balancing and rate limits all mean the same by it; it is read here and
//! stored nowhere.

use std::net::IpAddr;

use tidegate_core::model::ClientKey;

use crate::view::RequestView;

/// One client, as a request shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ClientId<'a> {
    /// The value of a field or cookie.
    Value(&'a [u8]),
    /// An IPv4 address.
    V4([u8; 4]),
    /// The network of an IPv6 address: its first 64 bits, which is what one household or machine is given.
    V6([u8; 8]),
}

impl<'a> ClientId<'a> {
    /// The client by its key; one without the key by its address.
    pub(crate) fn of(by: &ClientKey, view: &'a dyn RequestView) -> Self {
        Self::told(by, view).unwrap_or_else(|| Self::address(view.client()))
    }

    /// The client by its key alone; an empty value tells nobody apart.
    pub(crate) fn told(by: &ClientKey, view: &'a dyn RequestView) -> Option<Self> {
        let value = match by {
            ClientKey::Address => return Some(Self::address(view.client())),
            ClientKey::Header(name) => view.field(name),
            ClientKey::Cookie(name) => view.cookie(name),
        };
        value.filter(|value| !value.is_empty()).map(ClientId::Value)
    }

    /// The client by an address; an IPv4 address written as IPv6 is the IPv4 one.
    pub(crate) fn address(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => ClientId::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                ClientId::V6([a, b, c, d, e, f, g, h])
            }
        }
    }

    /// The kind and the bytes, for a hash: an address never is the same client as a value of the same bytes.
    pub(crate) fn parts(&self) -> (u8, &[u8]) {
        match self {
            ClientId::Value(value) => (0, value),
            ClientId::V4(octets) => (4, octets),
            ClientId::V6(octets) => (6, octets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::fake::Asked;

    #[test]
    fn a_client_is_its_key_or_its_address() {
        let asked = Asked::get("/").from("10.0.0.9:1").with("x-api-key", "k1").with("cookie", "a=1; user=u1");
        let header = ClientKey::Header("x-api-key".into());
        assert_eq!(ClientId::of(&header, &asked), ClientId::Value(b"k1"));
        assert_eq!(ClientId::of(&ClientKey::Cookie("user".into()), &asked), ClientId::Value(b"u1"));
        assert_eq!(ClientId::of(&ClientKey::Address, &asked), ClientId::V4([10, 0, 0, 9]));
        let other = Asked::get("/").from("10.0.0.9:2").with("x-api-key", "");
        assert_eq!(ClientId::of(&header, &other), ClientId::V4([10, 0, 0, 9]));
        assert_eq!(ClientId::told(&header, &other), None);
    }

    #[test]
    fn ipv6_is_told_apart_by_its_network_and_mapped_ipv4_by_its_address() {
        let id = |text: &str| ClientId::address(text.parse().unwrap());
        assert_eq!(id("2001:db8:1:2::1"), id("2001:db8:1:2:ffff::9"));
        assert_ne!(id("2001:db8:1:2::1"), id("2001:db8:1:3::1"));
        assert_eq!(id("::ffff:10.0.0.9"), id("10.0.0.9"));
    }

    #[test]
    fn an_address_is_no_value_of_the_same_bytes() {
        assert_ne!(ClientId::V4(*b"abcd").parts(), ClientId::Value(b"abcd").parts());
    }
}
