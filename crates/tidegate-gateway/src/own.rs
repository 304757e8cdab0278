//! Names of the fields that the gateway alone says to an instance. Pure.

/// How the names of its own begin, before a dash.
const OWN: &str = "tidegate";

/// Those it shares with other gateways, but for `forwarded`, which has one spelling.
const SHARED: [&[u8]; 7] = [
    b"x-forwarded-for",
    b"x-forwarded-host",
    b"x-forwarded-port",
    b"x-forwarded-prefix",
    b"x-forwarded-proto",
    b"x-real-ip",
    b"x-request-id",
];

/// Whether an app could take a field for one that the gateway says. Servers that speak CGI or WSGI to apps read
/// `tidegate_flags` as `tidegate-flags` and `x_real_ip` as `x-real-ip`, and some of them any other sign that is no letter or
/// digit.
pub(crate) fn is_ours(name: &[u8]) -> bool {
    match name.first() {
        Some(b't' | b'T') => is_own(name),
        Some(b'x' | b'X') => SHARED.iter().any(|shared| reads_as(name, shared)),
        Some(b'f' | b'F') => name.eq_ignore_ascii_case(b"forwarded"),
        _ => false,
    }
}

/// Whether it is one that no other gateway says either.
pub(crate) fn is_own(name: &[u8]) -> bool {
    let begins = name.get(..OWN.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(OWN.as_bytes()));
    begins && name.get(OWN.len()).is_some_and(|byte| !byte.is_ascii_alphanumeric())
}

fn reads_as(name: &[u8], shared: &[u8]) -> bool {
    let same = |(byte, wanted): (&u8, &u8)| {
        byte.eq_ignore_ascii_case(wanted) || (*wanted == b'-' && !byte.is_ascii_alphanumeric())
    };
    name.len() == shared.len() && name.iter().zip(shared).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_an_app_reads_as_ours_is_ours() {
        for name in [
            "tidegate-arm",
            "Tidegate_Later",
            "tidegate.x",
            "X-Forwarded-For",
            "x_forwarded-for",
            "X_REAL_IP",
            "x.request~id",
            "x-forwarded_prefix",
            "Forwarded",
        ] {
            assert!(is_ours(name.as_bytes()), "{name}");
        }
        for name in ["tidegate", "tidegates", "x-forwarded-by", "xarealaip", "x-real-ip-", "for-warded", ""] {
            assert!(!is_ours(name.as_bytes()), "{name}");
        }
    }
}
