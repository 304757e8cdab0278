//! Operators on text: `cat`, `substr`, `in`, `starts_with`, `ends_with`.

use super::node::{Args, Node, Style};
use super::scope::{Env, Scope};
use super::value::{Kind, Val};
use crate::resolution::Fault;

/// Everything as text, one after the other.
pub(super) fn cat<'a>(
    parts: &'a [Node],
    style: Style,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let mut text = String::new();
    each_part(parts, style, env, scope, |part| text.push_str(part))?;
    Ok(Val::Made(text.into()))
}

/// The parts of a `cat`, for those who need not have them in one piece.
pub(crate) fn each_part<'a>(
    parts: &'a [Node],
    style: Style,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
    mut with: impl FnMut(&str),
) -> Result<(), Fault> {
    for part in parts {
        let value = part.evaluate(env, scope)?;
        if !(value.is_null() && style == Style::Interpreted) {
            with(&value.to_text());
        }
    }
    Ok(())
}

/// The same of one expression, which may give a list; nulls in that add nothing.
pub(super) fn cat_of<'a>(value: Val<'a>) -> Result<Val<'a>, Fault> {
    let text: String = match value.kind() {
        Kind::Null => return Err(Fault::general("nothing to put together")),
        Kind::Text(_) => return Ok(value),
        Kind::List(items) => {
            items.iter().filter(|item| !item.is_null()).map(|item| item.to_text().into_owned()).collect()
        }
        _ => value.to_text().into_owned(),
    };
    Ok(Val::Made(text.into()))
}

/// A piece of text, in UTF-16 units: from where (from the end if negative), and how many or up to where from the end.
pub(super) fn substr<'a>(args: &'a Args, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let args = args.collect(env, scope)?;
    let Some(text) = args.first().and_then(Val::as_text) else {
        return Err(Fault::general("only text has pieces"));
    };
    let units: Vec<u16> = text.encode_utf16().collect();
    let from = whole(args.get(1)).unwrap_or(0);
    let start = if from < 0 { units.len().saturating_sub(size(from)) } else { size(from).min(units.len()) };
    let rest = &units[start..];
    let piece = match whole(args.get(2)) {
        None => rest,
        Some(end) if end < 0 => &rest[..rest.len().saturating_sub(size(end))],
        Some(length) => &rest[..size(length).min(rest.len())],
    };
    Ok(Val::Made(String::from_utf16_lossy(piece).into()))
}

#[allow(clippy::cast_possible_truncation)] // saturates, which is what is wanted
fn whole(arg: Option<&Val<'_>>) -> Option<i64> {
    let number = arg?.to_number().unwrap_or(f64::NAN);
    Some(if number.is_nan() { 0 } else { number as i64 })
}

fn size(n: i64) -> usize {
    usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX)
}

/// Whether a list has an item, or text a piece.
pub(super) fn is_in<'a>(needle: &Val<'a>, haystack: &Val<'a>) -> Result<Val<'a>, Fault> {
    let found = match haystack.kind() {
        _ if !haystack.is_truthy_in_javascript() => false,
        Kind::Text(text) => text.contains(&*needle.to_text()),
        Kind::List(items) => items.iter().any(|item| needle.is_identical(&item)),
        _ => return Err(Fault::general("`in` looks into lists and text")),
    };
    Ok(Val::Bool(found))
}

/// Null unless there are two texts.
pub(super) fn affix<'a>(
    args: &'a Args,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
    holds: fn(&str, &str) -> bool,
) -> Result<Val<'a>, Fault> {
    let compare = |whole: &Val<'_>, part: &Val<'_>| match (whole.as_text(), part.as_text()) {
        (Some(whole), Some(part)) => Val::Bool(holds(whole, part)),
        _ => Val::Null,
    };
    if let Args::Each(nodes) = args {
        let [whole, part] = nodes.as_slice() else { return Ok(Val::Null) };
        return Ok(compare(&whole.evaluate(env, scope)?, &part.evaluate(env, scope)?));
    }
    let both = args.exactly(env, scope)?;
    Ok(both.map_or(Val::Null, |[whole, part]| compare(&whole, &part)))
}
