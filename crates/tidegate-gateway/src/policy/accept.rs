//! Which content codings a client takes (RFC 9110, 12.5.3).

use http::{HeaderMap, header};
use tidegate_core::model::Compression;

/// The name of a coding on the wire.
pub(super) const fn name(coding: Compression) -> &'static str {
    match coding {
        Compression::Zstd => "zstd",
        Compression::Brotli => "br",
        Compression::Gzip => "gzip",
    }
}

/// Those of `offered` that the client takes, the one it wants most first; among equals the order is that of `offered`.
/// What it wants less than the content as it is, is left out.
pub(super) fn accepted(headers: &HeaderMap, offered: &[Compression]) -> Vec<Compression> {
    let items = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let items: Vec<(&str, u16)> = items.flat_map(|value| value.split(',')).filter_map(item).collect();
    let said = |names: &[&str]| {
        let named = |(name, _): &&(&str, u16)| names.iter().any(|other| name.eq_ignore_ascii_case(other));
        items.iter().find(named).map(|(_, weight)| *weight)
    };
    let plain = said(&["identity"]).unwrap_or(0);
    let weigh = |coding: &Compression| {
        let names: &[&str] =
            if *coding == Compression::Gzip { &["gzip", "x-gzip"] } else { &[name(*coding)] };
        (*coding, said(names).or_else(|| said(&["*"])).unwrap_or(0))
    };
    let mut weighed: Vec<_> =
        offered.iter().map(weigh).filter(|(_, weight)| *weight > 0 && *weight >= plain).collect();
    weighed.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    weighed.into_iter().map(|(coding, _)| coding).collect()
}

/// A name and its weight in thousandths. A weight that cannot be read is a refusal.
fn item(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().filter(|name| !name.is_empty())?;
    let weight = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()).unwrap_or(0))
    });
    Some((name, weight.unwrap_or(1_000)))
}

fn thousandths(text: &str) -> Option<u16> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if rest.len() > 3 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest: u16 = format!("{rest:0<3}").parse().ok()?;
    match whole {
        "0" => Some(rest),
        "1" if rest == 0 => Some(1_000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const ALL: [Compression; 3] = [Compression::Zstd, Compression::Brotli, Compression::Gzip];

    fn taken(fields: &[&str]) -> Vec<&'static str> {
        let mut headers = HeaderMap::new();
        for field in fields {
            headers.append(header::ACCEPT_ENCODING, HeaderValue::from_str(field).unwrap());
        }
        accepted(&headers, &ALL).into_iter().map(name).collect()
    }

    #[test]
    fn weights_and_wildcards() {
        for (field, codings) in [
            ("gzip, deflate, br, zstd", &["zstd", "br", "gzip"][..]),
            ("gzip;q=1.0, br;q=0.9", &["gzip", "br"]),
            ("X-GZIP", &["gzip"]),
            ("gzip;q=0, br", &["br"]),
            ("gzip;q=0.000", &[]),
            ("*", &["zstd", "br", "gzip"]),
            ("*;q=0", &[]),
            ("*, zstd;q=0", &["br", "gzip"]),
            ("br ; Q = 0.5 , gzip ; q=0.7", &["gzip", "br"]),
            ("identity, gzip;q=0.5", &[]),
            ("identity;q=0.5, gzip", &["gzip"]),
            ("gzip;q=1.1", &[]),
            ("gzip;q=.5", &[]),
            ("gzip;q=0.1234", &[]),
            ("gzip;q=", &[]),
            ("", &[]),
            ("deflate", &[]),
            (",,;q=1,", &[]),
        ] {
            assert_eq!(taken(&[field]), codings, "{field}");
        }
        assert_eq!(taken(&["br;q=0.1", "gzip"]), ["gzip", "br"]);
        assert_eq!(taken(&[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn what_is_refused_is_never_sent(weights in proptest::collection::vec(0u16..=1_000, 3)) {
            let names = ALL.map(name);
            let items = names.iter().zip(&weights);
            let written = |weight: &u16| format!("{}.{:03}", weight / 1_000, weight % 1_000);
            let field: Vec<String> = items.map(|(name, weight)| format!("{name};q={}", written(weight))).collect();
            let weight = |name: &str| weights[names.iter().position(|other| *other == name).unwrap()];
            let taken = taken(&[&field.join(",")]);
            prop_assert_eq!(taken.len(), weights.iter().filter(|weight| **weight > 0).count());
            prop_assert!(taken.windows(2).all(|pair| weight(pair[0]) >= weight(pair[1])));
        }
    }
}
