//! Numbers with a few digits behind the point, kept in millionths: `1.25`, `0.05%`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Millionths;

use super::read::{Place, Read};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::tree::Value;

/// A share from `MIN` to `MAX` millionths, written in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share<const MIN: u32, const MAX: u32>(pub(crate) Millionths);

/// A factor from `MIN` to `MAX` millionths.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor<const MIN: u32, const MAX: u32>(pub(crate) Millionths);

/// One, in millionths.
const ONE: u64 = 1_000_000;
/// One percent, in millionths.
const PERCENT: u64 = ONE / 100;

/// The number in units of `1 / one`; `None` where it has too many digits or is none.
fn parse(text: &str, one: u64) -> Option<u64> {
    let (whole, behind) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| (1..=6).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(behind) {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(behind.len()).ok()?);
    let parts = behind.parse::<u64>().ok()?.checked_mul(one)?;
    let exact = parts.is_multiple_of(scale);
    exact.then(|| Some(whole.parse::<u64>().ok()? * one + parts / scale))?
}

fn text_of<'n>(place: &Place<'n>, what: &str, findings: &mut Findings<'_>) -> Option<&'n str> {
    match &place.node.value {
        Value::Text(text) | Value::Number(text) => Some(text),
        Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
            place.report_type(what, findings);
            None
        }
    }
}

fn within(
    number: u64,
    (min, max): (u32, u32),
    shown: impl Fn(u32) -> String,
    place: &Place<'_>,
    findings: &mut Findings<'_>,
) -> Option<Millionths> {
    let number = u32::try_from(number).ok().filter(|number| (min..=max).contains(number));
    if number.is_none() {
        let message = format!("{} is to be {} to {}", place.subject, shown(min), shown(max));
        findings.push(Diagnostic::error(codes::OUT_OF_RANGE, message).at(place.node.span, "out of range"));
    }
    number.map(Millionths)
}

fn wrong(text: &str, what: &str, help: &str, place: &Place<'_>) -> Diagnostic {
    Diagnostic::error(codes::BAD_PERCENT, format!("{} is not {what}", quote(text)))
        .at(place.node.span, format!("not {what}"))
        .help(help)
}

impl<const MIN: u32, const MAX: u32> Read for Share<MIN, MAX> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = text_of(place, "a share like `0.5%`", findings)?;
        let Some(number) = text.strip_suffix('%').and_then(|number| parse(number, PERCENT)) else {
            let help = "write percent with its sign and without a space: `0.5%`";
            findings.push(wrong(text, "a share", help, place));
            return None;
        };
        let shown = |share: u32| format!("{}%", f64::from(share) / PERCENT as f64);
        within(number, (MIN, MAX), shown, place, findings).map(Share)
    }
}

impl<const MIN: u32, const MAX: u32> Read for Factor<MIN, MAX> {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = text_of(place, "a number like `1.25`", findings)?;
        let Some(number) = parse(text, ONE) else {
            findings.push(wrong(text, "a factor", "write a number like `1.25`", place));
            return None;
        };
        let shown = |factor: u32| format!("{}", f64::from(factor) / ONE as f64);
        within(number, (MIN, MAX), shown, place, findings).map(Factor)
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Share<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "DecimalShare".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[0-9]{1,3}(\\.[0-9]{1,4})?%$" })
    }
}

impl<const MIN: u32, const MAX: u32> JsonSchema for Factor<MIN, MAX> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Factor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": f64::from(MIN) / 1e6, "maximum": f64::from(MAX) / 1e6 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (text, number) in [("1", 1_000_000), ("1.25", 1_250_000), ("0.000001", 1), ("100", 100_000_000)] {
            assert_eq!(parse(text, ONE), Some(number), "{text}");
        }
        assert_eq!((parse("0.05", PERCENT), parse("0.5", PERCENT)), (Some(500), Some(5_000)));
        assert_eq!(parse("0.00001", PERCENT), None, "less than a millionth");
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1.2.3", "12345678", "1_0"] {
            assert_eq!(parse(text, ONE), None, "{text}");
        }
    }
}
