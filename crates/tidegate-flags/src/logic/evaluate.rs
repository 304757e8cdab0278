//! What a rule comes to for one context.

use super::node::{Args, Node, Style};
use super::path;
use super::scope::{Env, Scope};
use super::value::{Kind, Val};
use super::{arithmetic, compare, iterate, text, version};
use crate::resolution::Fault;

impl Node {
    /// The value of this part of the rule, where `scope` says what `var` sees.
    #[inline]
    pub(crate) fn evaluate<'a>(&'a self, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
        // Most parts are these two, and done in less than a call takes.
        match self {
            Self::Literal(value) => Ok(Val::from(value)),
            Self::Var(path, None, _) if path.up == 0 => Ok(scope.find(env, &path.names).unwrap_or(Val::Null)),
            _ => self.operate(env, scope),
        }
    }

    #[inline(never)]
    fn operate<'a>(&'a self, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
        env.step()?;
        match self {
            Self::Literal(value) => Ok(Val::from(value)),
            Self::List(nodes) => all(nodes, env, scope).map(list),
            Self::Shared(node) => node.evaluate(env, scope),
            Self::Var(path, default, style) => var(path, default.as_deref(), *style, env, scope),
            Self::VarAt(args) => var_at(args, env, scope),
            Self::Missing(args) => missing(args.collect(env, scope)?, env, scope),
            Self::MissingSome(args) => missing_some(args, env, scope),
            Self::If(nodes) => choose(nodes, env, scope),
            Self::And(nodes) => until(nodes, false, env, scope),
            Self::Or(nodes) => until(nodes, true, env, scope),
            Self::Not(node) => Ok(Val::Bool(!node.evaluate(env, scope)?.is_true())),
            Self::First(node) => node.evaluate(env, scope).map(first),
            Self::Truth(node) => Ok(Val::Bool(node.evaluate(env, scope)?.is_true())),
            Self::Compare(how, args, style) => compare::evaluate(*how, args, *style, env, scope),
            Self::Calculate(how, args) => arithmetic::evaluate(*how, args, env, scope),
            Self::In(needle, haystack) => {
                text::is_in(&needle.evaluate(env, scope)?, &haystack.evaluate(env, scope)?)
            }
            Self::InSet(needle, set) => {
                Ok(Val::Bool(needle.evaluate(env, scope)?.as_text().is_some_and(|text| set.contains(text))))
            }
            Self::Cat(parts, style) => text::cat(parts, *style, env, scope),
            Self::CatOf(node) => text::cat_of(node.evaluate(env, scope)?),
            Self::Substr(args) => text::substr(args, env, scope),
            Self::Merge(args) => merge(args, env, scope),
            Self::Each(how, list, body) => iterate::evaluate(*how, list, body, env, scope),
            Self::Reduce(parts, initial) => iterate::reduce(parts, initial.as_deref(), env, scope),
            Self::StartsWith(args) => text::affix(args, env, scope, |whole, part| whole.starts_with(part)),
            Self::EndsWith(args) => text::affix(args, env, scope, |whole, part| whole.ends_with(part)),
            Self::SemVer(args) => version::evaluate(args, env, scope),
            Self::Fractional(draw) => draw.evaluate(env, scope),
        }
    }
}

impl Args {
    /// Calls `with` for each argument, in order.
    pub(super) fn visit<'a>(
        &'a self,
        env: &Env<'a>,
        scope: &Scope<'_, 'a>,
        mut with: impl FnMut(Val<'a>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        match self {
            Self::Each(nodes) => nodes.iter().try_for_each(|node| with(node.evaluate(env, scope)?)),
            Self::Of(node) => spread(node.evaluate(env, scope)?).into_iter().try_for_each(with),
        }
    }

    /// All arguments.
    pub(super) fn collect<'a>(&'a self, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Vec<Val<'a>>, Fault> {
        match self {
            Self::Each(nodes) => all(nodes, env, scope),
            Self::Of(node) => node.evaluate(env, scope).map(spread),
        }
    }

    /// All arguments, if there are exactly so many.
    pub(super) fn exactly<'a, const N: usize>(
        &'a self,
        env: &Env<'a>,
        scope: &Scope<'_, 'a>,
    ) -> Result<Option<[Val<'a>; N]>, Fault> {
        let mut values = [const { Val::Null }; N];
        let mut count = 0;
        self.visit(env, scope, |value| {
            if let Some(place) = values.get_mut(count) {
                *place = value;
            }
            count += 1;
            Ok(())
        })?;
        Ok((count == N).then_some(values))
    }
}

fn spread(value: Val<'_>) -> Vec<Val<'_>> {
    match value {
        Val::List(items) => items.into_vec(),
        other => match other.clone().into_list() {
            Some(items) => items.into_vec(),
            None => vec![other],
        },
    }
}

fn list(items: Vec<Val<'_>>) -> Val<'_> {
    Val::List(items.into())
}

fn first(value: Val<'_>) -> Val<'_> {
    match value.kind() {
        Kind::List(_) => spread(value).into_iter().next().unwrap_or(Val::Null),
        _ => value,
    }
}

fn all<'a>(nodes: &'a [Node], env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Vec<Val<'a>>, Fault> {
    nodes.iter().map(|node| node.evaluate(env, scope)).collect()
}

fn var<'a>(
    path: &path::Path,
    default: Option<&'a Node>,
    style: Style,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let found = if path.up == 0 { scope.find(env, &path.names) } else { above(path, env, scope) };
    match (found, default) {
        (None, Some(default)) => default.evaluate(env, scope),
        (Some(Val::Null), Some(default)) if style == Style::Compiled => default.evaluate(env, scope),
        (found, _) => Ok(found.unwrap_or(Val::Null)),
    }
}

/// Up an odd number of times is the iteration, which knows its index; up an even number is what is around it.
fn above<'a>(path: &path::Path, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Option<Val<'a>> {
    let mut here = *scope;
    for _ in 0..(path.up - 1) / 2 {
        here = *here.above().1?;
    }
    let (index, around) = here.above();
    let around = around?;
    if path.up.is_multiple_of(2) {
        return around.find(env, &path.names);
    }
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    match &*path.names {
        [name] if **name == *"index" => Some(Val::Number(index as f64)),
        _ => None,
    }
}

fn var_at<'a>(args: &'a Args, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let mut args = args.collect(env, scope)?.into_iter();
    let (path, default) = (args.next().unwrap_or(Val::Null), args.next());
    if path.is_null() {
        return Ok(scope.here());
    }
    let path = path::Path::parse(&path.to_text());
    let found = if path.up == 0 { scope.find(env, &path.names) } else { above(&path, env, scope) };
    Ok(found.or(default).unwrap_or(Val::Null))
}

fn missing<'a>(names: Vec<Val<'a>>, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let is_missing = |name: &Val<'a>| scope.find(env, &path::names(&name.to_text())).is_none();
    Ok(list(names.into_iter().filter(is_missing).collect()))
}

fn missing_some<'a>(args: &'a Args, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let Some([needed, names]) = args.exactly(env, scope)? else {
        return Err(Fault::general("`missing_some` needs a number and a list"));
    };
    let (Kind::Number(needed), Some(names)) = (needed.kind(), names.clone().into_list()) else {
        return Err(Fault::general("`missing_some` needs a number and a list"));
    };
    let names = names.into_vec();
    let count = names.len();
    let missing = missing(names, env, scope)?;
    let there = match missing.kind() {
        Kind::List(items) => count - items.len(),
        _ => count,
    };
    #[allow(clippy::cast_precision_loss)] // far below 2^53
    Ok(if there as f64 >= needed { list(Vec::new()) } else { missing })
}

/// Condition, result, condition, result, otherwise.
fn choose<'a>(nodes: &'a [Node], env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let (pairs, otherwise) = nodes.as_chunks::<2>();
    for [condition, result] in pairs {
        if condition.evaluate(env, scope)?.is_true() {
            return result.evaluate(env, scope);
        }
    }
    otherwise.first().map_or(Ok(Val::Null), |node| node.evaluate(env, scope))
}

/// The first value that is as true as `wanted`, or else the last one.
fn until<'a>(
    nodes: &'a [Node],
    wanted: bool,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let Some((last, first)) = nodes.split_last() else { return Ok(Val::Null) };
    for node in first {
        let value = node.evaluate(env, scope)?;
        if value.is_true() == wanted {
            return Ok(value);
        }
    }
    last.evaluate(env, scope)
}

/// One list of all items; what is no list is an item.
fn merge<'a>(args: &'a Args, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<Val<'a>, Fault> {
    let mut merged = Vec::new();
    args.visit(env, scope, |value| {
        merged.append(&mut spread(value));
        Ok(())
    })?;
    Ok(list(merged))
}
