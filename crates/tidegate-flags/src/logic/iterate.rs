//! `map`, `filter`, `all`, `some`, `none` and `reduce`: a part of the rule for each item of a list.

use super::node::{Iteration, Node};
use super::scope::{Env, Scope};
use super::value::{List, Val};
use crate::resolution::Fault;

/// One of the five that look at each item by itself.
pub(super) fn evaluate<'a>(
    how: Iteration,
    list: &'a Node,
    body: &'a Node,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let items = items(list, env, scope)?;
    if how == Iteration::All && items.len() == 0 {
        return Ok(Val::Bool(false));
    }
    let mut made = Vec::new();
    for index in 0..items.len() {
        let Some(item) = items.get(index) else { break };
        let result = body.evaluate(env, &scope.item(index, &item))?;
        match how {
            Iteration::Map => made.push(result),
            Iteration::Filter if result.is_true() => made.push(item),
            Iteration::Filter => {}
            Iteration::All if !result.is_true() => return Ok(Val::Bool(false)),
            Iteration::Some if result.is_true() => return Ok(Val::Bool(true)),
            Iteration::None if result.is_true() => return Ok(Val::Bool(false)),
            Iteration::All | Iteration::Some | Iteration::None => {}
        }
    }
    Ok(match how {
        Iteration::Map | Iteration::Filter => Val::List(made.into()),
        Iteration::All | Iteration::None => Val::Bool(true),
        Iteration::Some => Val::Bool(false),
    })
}

/// All items into one value.
pub(super) fn reduce<'a>(
    [list, body]: &'a [Node; 2],
    initial: Option<&'a Node>,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let initial = initial.map(|node| node.evaluate(env, scope)).transpose()?;
    let mut items = items(list, env, scope)?.into_vec().into_iter();
    let Some(mut accumulator) = initial.or_else(|| items.next()) else {
        return Err(Fault::general("nothing to reduce, and nothing to begin with"));
    };
    for current in items {
        accumulator = body.evaluate(env, &scope.fold(&accumulator, &current))?;
    }
    Ok(accumulator)
}

/// What is not there at all has no items.
fn items<'a>(list: &'a Node, env: &Env<'a>, scope: &Scope<'_, 'a>) -> Result<List<'a>, Fault> {
    let value = list.evaluate(env, scope)?;
    if !value.is_truthy_in_javascript() {
        return Ok(List::Made(Vec::new()));
    }
    value.into_list().ok_or_else(|| Fault::general("only the items of a list can be gone through"))
}
