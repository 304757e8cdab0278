//! Deterministic CBOR (RFC 8949, 4.2.1), written straight into a hash.

use serde_json::{Number, Value};

use super::murmur::Murmur;
use crate::logic::{Kind, Val};

const UNSIGNED: u8 = 0x00;
const NEGATIVE: u8 = 0x20;
const TEXT: u8 = 0x60;
const LIST: u8 = 0x80;
const MAP: u8 = 0xa0;

/// A value as rules know it.
pub(super) fn value(value: &Val<'_>, into: &mut Murmur) {
    if let Val::Json(json) = value {
        return of_json(json, into);
    }
    match value.kind() {
        Kind::Null => into.feed(&[0xf6]),
        Kind::Bool(b) => into.feed(&[0xf4 + u8::from(b)]),
        Kind::Number(n) => float(n, into),
        Kind::Text(content) => text(content, into),
        Kind::List(items) => {
            list_of(items.len(), into);
            items.iter().for_each(|item| self::value(&item, into));
        }
        Kind::Object => head(MAP, 0, into),
    }
}

/// Text.
pub(super) fn text(content: &str, into: &mut Murmur) {
    head(TEXT, content.len() as u64, into);
    into.feed(content.as_bytes());
}

/// The beginning of a list of so many items.
pub(super) fn list_of(items: usize, into: &mut Murmur) {
    head(LIST, items as u64, into);
}

fn of_json(json: &Value, into: &mut Murmur) {
    match json {
        Value::Number(n) => number(n, into),
        Value::Array(items) => {
            list_of(items.len(), into);
            items.iter().for_each(|item| of_json(item, into));
        }
        Value::Object(members) => {
            head(MAP, members.len() as u64, into);
            let mut members: Vec<_> = members.iter().collect();
            // By their encoded bytes: the length comes first.
            members.sort_by_key(|(name, _)| (name.len(), name.as_bytes()));
            for (name, member) in members {
                text(name, into);
                of_json(member, into);
            }
        }
        Value::Null | Value::Bool(_) | Value::String(_) => value(&Val::from(json), into),
    }
}

fn number(n: &Number, into: &mut Murmur) {
    if let Some(n) = n.as_u64() {
        head(UNSIGNED, n, into);
    } else if let Some(n) = n.as_i64() {
        head(NEGATIVE, n.unsigned_abs() - 1, into);
    } else {
        float(n.as_f64().unwrap_or(f64::NAN), into);
    }
}

/// Whole numbers as integers, the rest in the shortest form that keeps the value.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole and in range; or checked to be exact
fn float(n: f64, into: &mut Murmur) {
    if n.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(&n) {
        return head(UNSIGNED, n as u64, into);
    }
    if n.fract() == 0.0 && (-9_223_372_036_854_775_808.0..0.0).contains(&n) {
        return head(NEGATIVE, (n as i64).unsigned_abs() - 1, into);
    }
    let single = n as f32;
    if n.is_nan() {
        into.feed(&[0xf9, 0x7e, 0x00]);
    } else if let Some(half) = half(single).filter(|_| f64::from(single) == n) {
        into.feed(&[0xf9]);
        into.feed(&half.to_be_bytes());
    } else if f64::from(single) == n {
        into.feed(&[0xfa]);
        into.feed(&single.to_be_bytes());
    } else {
        into.feed(&[0xfb]);
        into.feed(&n.to_be_bytes());
    }
}

/// The same number in 16 bits, if there is one.
#[allow(clippy::cast_possible_truncation)] // 10 bits of 23, once the others are known to be zero
fn half(n: f32) -> Option<u16> {
    let bits = n.to_bits();
    let sign = (bits >> 16) as u16 & 0x8000;
    let exponent = i32::try_from(bits >> 23 & 0xff).ok()? - 127;
    let fraction = bits & 0x007f_ffff;
    match exponent {
        128 if fraction == 0 => Some(sign | 0x7c00),
        -14..=15 if fraction & 0x1fff == 0 => {
            Some(sign | u16::try_from(exponent + 15).ok()? << 10 | (fraction >> 13) as u16)
        }
        -24..=-15 => {
            let drop = u32::try_from(-exponent - 1).ok()?;
            let whole = fraction | 0x0080_0000;
            (whole.trailing_zeros() >= drop).then(|| sign | (whole >> drop) as u16)
        }
        _ => None,
    }
}

/// A type with its number, in as few bytes as it takes.
#[allow(clippy::cast_possible_truncation)] // each arm has checked its range
fn head(kind: u8, n: u64, into: &mut Murmur) {
    match n {
        0..24 => into.feed(&[kind | n as u8]),
        24..0x100 => into.feed(&[kind | 24, n as u8]),
        0x100..0x1_0000 => {
            into.feed(&[kind | 25]);
            into.feed(&(n as u16).to_be_bytes());
        }
        0x1_0000..0x1_0000_0000 => {
            into.feed(&[kind | 26]);
            into.feed(&(n as u32).to_be_bytes());
        }
        _ => {
            into.feed(&[kind | 27]);
            into.feed(&n.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::murmur;
    use super::*;

    /// Examples of RFC 8949, appendix A, and what follows from its rules for deterministic encoding.
    #[test]
    fn values_are_encoded_in_their_shortest_form() {
        let cases: [(Value, &[u8]); 20] = [
            (json!(0), &[0x00]),
            (json!(23), &[0x17]),
            (json!(24), &[0x18, 0x18]),
            (json!(1000), &[0x19, 0x03, 0xe8]),
            (json!(1_000_000), &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
            (json!(18_446_744_073_709_551_615_u64), &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (json!(-1), &[0x20]),
            (json!(-1000), &[0x39, 0x03, 0xe7]),
            (json!(2.0), &[0x02]),
            (json!(1.5), &[0xf9, 0x3e, 0x00]),
            (json!(-0.25), &[0xf9, 0xb4, 0x00]),
            (json!(5.960_464_477_539_063e-8), &[0xf9, 0x00, 0x01]),
            (json!(0.000_061_035_156_25), &[0xf9, 0x04, 0x00]),
            (json!(0.333_251_953_125), &[0xf9, 0x35, 0x55]),
            (json!(3.402_823_466_385_288_6e38), &[0xfa, 0x7f, 0x7f, 0xff, 0xff]),
            (json!(1.1), &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]),
            (json!("IETF"), &[0x64, 0x49, 0x45, 0x54, 0x46]),
            (json!(true), &[0xf5]),
            (json!([1, "a"]), &[0x82, 0x01, 0x61, 0x61]),
            (json!({"aa": 1, "b": 2}), &[0xa2, 0x61, 0x62, 0x02, 0x62, 0x61, 0x61, 0x01]),
        ];
        for (json, bytes) in cases {
            let mut hash = Murmur::default();
            value(&Val::from(&json), &mut hash);
            assert_eq!(hash.finish(), murmur::hash(bytes), "{json}");
        }
    }
}
