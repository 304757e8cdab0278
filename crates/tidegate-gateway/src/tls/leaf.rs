//! What a certificate says of itself, as far as people want to know it.

use std::time::{Duration, SystemTime};

use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// The facts of a leaf certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// The host names and addresses it is for.
    pub names: Vec<String>,
    /// Who signed it: the common name, else the whole name.
    pub issuer: String,
    /// From when it holds.
    pub not_before: SystemTime,
    /// Until when it holds.
    pub not_after: SystemTime,
}

impl Leaf {
    /// Reads DER; an error says what is wrong with it.
    pub(crate) fn read(der: &[u8]) -> Result<Leaf, String> {
        let (_, certificate) = X509Certificate::from_der(der).map_err(|error| error.to_string())?;
        let issuer = certificate.issuer();
        let common = issuer.iter_common_name().next().and_then(|name| name.as_str().ok());
        let validity = certificate.validity();
        Ok(Leaf {
            names: names(&certificate),
            issuer: common.map_or_else(|| issuer.to_string(), str::to_owned),
            not_before: at(validity.not_before.timestamp()),
            not_after: at(validity.not_after.timestamp()),
        })
    }

    /// Whether less than a third of its life is left: the time to renew it.
    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        let life = self.not_after.duration_since(self.not_before).unwrap_or_default();
        self.not_after.duration_since(now).unwrap_or_default() < life / 3
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(alternatives)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => address(bytes),
        _ => None,
    };
    alternatives.value.general_names.iter().filter_map(name).collect()
}

fn address(bytes: &[u8]) -> Option<String> {
    let four = <[u8; 4]>::try_from(bytes).ok().map(std::net::IpAddr::from);
    let sixteen = <[u8; 16]>::try_from(bytes).ok().map(std::net::IpAddr::from);
    four.or(sixteen).map(|address| address.to_string())
}

/// Before 1970 is as good as 1970.
fn at(seconds: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}
