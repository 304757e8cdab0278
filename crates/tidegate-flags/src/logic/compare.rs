//! Comparisons, with JavaScript's coercions where they mean something and failures where they do not.

use std::cmp::Ordering;

use super::node::{Comparison, Node, Style};
use super::scope::{Env, Scope};
use super::value::{Kind, Val};
use crate::resolution::Fault;

/// Each argument with the next one; true if all hold.
pub(super) fn evaluate<'a>(
    how: Comparison,
    args: &'a [Node],
    style: Style,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let [first, second, more @ ..] = args else {
        return Err(Fault::general("a comparison needs two arguments"));
    };
    let mut left = first.evaluate(env, scope)?;
    let mut right = prepared(second.evaluate(env, scope)?, &mut left, how, is_free(second, style))?;
    for next in more {
        if !holds(how, &left, &right) {
            return Ok(Val::Bool(false));
        }
        let next = prepared(next.evaluate(env, scope)?, &mut right, how, is_free(next, style))?;
        left = std::mem::replace(&mut right, next);
    }
    Ok(Val::Bool(holds(how, &left, &right)))
}

/// Whether the left side is not asked whether it fits this right side.
fn is_free(right: &Node, style: Style) -> bool {
    style == Style::Compiled && matches!(right, Node::Var(..))
}

/// The right side, once it is known that the two can be compared at all.
fn prepared<'a>(right: Val<'a>, left: &mut Val<'a>, how: Comparison, free: bool) -> Result<Val<'a>, Fault> {
    let strict = matches!(how, Comparison::Same | Comparison::NotSame);
    if strict || (is_text_or_null(left) && is_text_or_null(&right)) {
        return Ok(right);
    }
    if free {
        if left.to_number().is_none() {
            *left = Val::Made(left.to_text().into());
        }
        return if is_text_or_null(&right) { Ok(right) } else { number(&right).map(|_| right) };
    }
    let (of_right, of_left) = (number(&right)?, number(left)?);
    if of_left.is_nan() || (of_right.is_nan() && !left.is_null()) {
        return Err(Fault::general("a comparison with what is no number"));
    }
    Ok(match (left.is_null(), right.is_null()) {
        (true, _) if !right.is_true() => Val::Null,
        (_, true) if !left.is_true() => Val::Number(0.0),
        _ => right,
    })
}

fn is_text_or_null(value: &Val<'_>) -> bool {
    matches!(value, Val::Text(_) | Val::Made(_) | Val::Null)
}

fn number(value: &Val<'_>) -> Result<f64, Fault> {
    value.to_number().ok_or_else(|| Fault::general("a comparison with a list or an object"))
}

fn holds(how: Comparison, left: &Val<'_>, right: &Val<'_>) -> bool {
    match how {
        Comparison::Same => left.is_identical(right),
        Comparison::NotSame => !left.is_identical(right),
        Comparison::Equal => is_equal(left, right),
        Comparison::NotEqual => !is_equal(left, right),
        Comparison::Less => order(left, right) == Some(Ordering::Less),
        Comparison::Greater => order(left, right) == Some(Ordering::Greater),
        Comparison::LessOrEqual => matches!(order(left, right), Some(Ordering::Less | Ordering::Equal)),
        Comparison::GreaterOrEqual => matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal)),
    }
}

/// `==`: null equals null alone, text equals text, the rest is compared as numbers.
fn is_equal(left: &Val<'_>, right: &Val<'_>) -> bool {
    match (left.kind(), right.kind()) {
        (Kind::Null, Kind::Null) => true,
        (Kind::Null, _) | (_, Kind::Null) => false,
        (Kind::Text(left), Kind::Text(right)) => left == right,
        _ => left.to_number().is_some() && left.to_number() == right.to_number(),
    }
}

/// `<` and its kin: text by its UTF-16 units, the rest as numbers.
fn order(left: &Val<'_>, right: &Val<'_>) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (left.as_text(), right.as_text()) {
        return Some(left.encode_utf16().cmp(right.encode_utf16()));
    }
    left.to_number()?.partial_cmp(&right.to_number()?)
}
