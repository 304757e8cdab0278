//! What a rule can see: the context, and inside `map` and its kin the item at hand.

use std::borrow::Cow;
use std::cell::Cell;

use super::value::{Items, Kind, Val};
use crate::context::Context;
use crate::resolution::Fault;

/// How many nodes one evaluation may visit: far more than any rule that means something.
const MOST_STEPS: u32 = 1_000_000;
/// What flagd adds to every context.
pub(crate) const FLAGD: &str = "$flagd";

/// What one evaluation has to do with.
pub(crate) struct Env<'a> {
    pub(crate) context: &'a Context,
    pub(crate) flag_key: &'a str,
    pub(crate) now_unix_s: i64,
    left: Cell<u32>,
}

impl<'a> Env<'a> {
    pub(crate) fn new(context: &'a Context, flag_key: &'a str, now_unix_s: i64) -> Self {
        Self { context, flag_key, now_unix_s, left: Cell::new(MOST_STEPS) }
    }

    /// Counts one visit.
    #[inline]
    pub(super) fn step(&self) -> Result<(), Fault> {
        match self.left.get().checked_sub(1) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(Fault::general("the rule takes too many steps for this context")),
        }
    }
}

/// Where `var` looks, with what is around it.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s, 'a> {
    data: Data<'s, 'a>,
    index: usize,
    above: Option<&'s Scope<'s, 'a>>,
}

#[derive(Clone, Copy)]
enum Data<'s, 'a> {
    Context,
    Item(&'s Val<'a>),
    Fold { accumulator: &'s Val<'a>, current: &'s Val<'a> },
}

impl<'s, 'a> Scope<'s, 'a> {
    /// The whole context.
    pub(crate) const TOP: Scope<'static, 'static> = Scope { data: Data::Context, index: 0, above: None };

    pub(super) fn item(&'s self, index: usize, item: &'s Val<'a>) -> Self {
        Self { data: Data::Item(item), index, above: Some(self) }
    }

    pub(super) fn fold(&'s self, accumulator: &'s Val<'a>, current: &'s Val<'a>) -> Self {
        Self { data: Data::Fold { accumulator, current }, index: 0, above: Some(self) }
    }

    /// What is here: the item, or the whole context.
    pub(super) fn here(&self) -> Val<'a> {
        match self.data {
            Data::Context | Data::Fold { .. } => Val::Whole,
            Data::Item(item) => item.clone(),
        }
    }

    /// What the path leads to, if it leads anywhere. `../` goes to the iteration (which has an `index`), another `../` to
    /// what is around it.
    #[inline]
    pub(super) fn find(&self, env: &Env<'a>, path: &[impl AsRef<str>]) -> Option<Val<'a>> {
        let Some((first, rest)) = path.split_first() else { return Some(self.here()) };
        let first = first.as_ref();
        let start = match self.data {
            Data::Context => return in_context(env, first, rest),
            Data::Item(item) => member(item, first)?,
            Data::Fold { accumulator, .. } if first == "accumulator" => accumulator.clone(),
            Data::Fold { current, .. } if first == "current" => current.clone(),
            Data::Fold { .. } => return None,
        };
        follow(start, rest)
    }

    /// The index of the item at hand, and the scope around it.
    pub(super) fn above(&self) -> (usize, Option<&'s Scope<'s, 'a>>) {
        (self.index, self.above)
    }
}

#[inline]
fn in_context<'a>(env: &Env<'a>, first: &str, rest: &[impl AsRef<str>]) -> Option<Val<'a>> {
    if first == FLAGD {
        return match rest {
            [] => Some(Val::Whole),
            [name] if name.as_ref() == "flagKey" => Some(Val::Text(env.flag_key)),
            #[allow(clippy::cast_precision_loss)] // seconds are exact in a double for 285 million years
            [name] if name.as_ref() == "timestamp" => Some(Val::Number(env.now_unix_s as f64)),
            _ => None,
        };
    }
    follow(Val::from(env.context.get(first)?), rest)
}

#[inline]
fn follow<'a>(start: Val<'a>, path: &[impl AsRef<str>]) -> Option<Val<'a>> {
    path.iter().try_fold(start, |value, name| member(&value, name.as_ref()))
}

/// `value[name]`.
fn member<'a>(value: &Val<'a>, name: &str) -> Option<Val<'a>> {
    if let Val::Json(serde_json::Value::Object(members)) = value {
        return members.get(name).map(Val::from);
    }
    #[allow(clippy::cast_precision_loss)] // lengths are far below 2^53
    match value {
        Val::Json(serde_json::Value::Array(items)) if name == "length" => {
            Some(Val::Number(items.len() as f64))
        }
        Val::Json(serde_json::Value::Array(items)) => Items::Json(items).get(index(name)?),
        Val::List(items) if name == "length" => Some(Val::Number(items.len() as f64)),
        Val::List(items) => items.get(index(name)?).cloned(),
        _ if name == "length" => Some(Val::Number(value.as_text()?.encode_utf16().count() as f64)),
        _ => unit(value.as_text()?, index(name)?),
    }
}

/// A position as JavaScript spells it: no sign, no leading zero.
fn index(name: &str) -> Option<usize> {
    let spelled = name == "0" || (!name.starts_with('0') && name.bytes().all(|b| b.is_ascii_digit()));
    if spelled { name.parse().ok() } else { None }
}

fn unit<'a>(text: &str, index: usize) -> Option<Val<'a>> {
    let unit = text.encode_utf16().nth(index)?;
    Some(Val::Made(String::from_utf16_lossy(&[unit]).into()))
}

/// The one who is drawn when a rollout does not say by what: as text, if there is any.
pub(crate) fn targeting_key<'a>(env: &Env<'a>, scope: &Scope<'_, 'a>) -> Option<Cow<'a, str>> {
    let key = scope.find(env, &["targetingKey"]);
    match key? {
        Val::Text("") => None,
        Val::Text(text) => Some(Cow::Borrowed(text)),
        other if other.is_truthy_in_javascript() && !matches!(other.kind(), Kind::Null) => {
            Some(Cow::Owned(other.to_text().into_owned()))
        }
        _ => None,
    }
}
