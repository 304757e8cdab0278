//! Calculations. What is no number makes the whole evaluation fail: no variant is better than one by accident.

use super::node::{Args, Calculation};
use super::scope::{Env, Scope};
use super::value::{Kind, Val};
use crate::resolution::Fault;

const NO_NUMBER: &str = "a calculation with what is no number";

/// The result of all arguments.
pub(super) fn evaluate<'a>(
    how: Calculation,
    args: &'a Args,
    env: &Env<'a>,
    scope: &Scope<'_, 'a>,
) -> Result<Val<'a>, Fault> {
    let mut total = None;
    let mut count = 0;
    args.visit(env, scope, |value| {
        count += 1;
        total = Some(match total {
            None => first(how, &value)?,
            Some(total) => step(how, total, &value)?,
        });
        Ok(())
    })?;
    finish(how, total, count).map(Val::Number)
}

fn first(how: Calculation, value: &Val<'_>) -> Result<f64, Fault> {
    match how {
        Calculation::Greatest | Calculation::Least => strictly(value),
        _ => value.to_number().ok_or_else(|| Fault::general(NO_NUMBER)),
    }
}

fn step(how: Calculation, total: f64, value: &Val<'_>) -> Result<f64, Fault> {
    let next = first(how, value)?;
    Ok(match how {
        Calculation::Add => total + next,
        Calculation::Subtract => total - next,
        Calculation::Multiply => total * next,
        Calculation::Divide if next == 0.0 => return Err(Fault::general("a division by zero")),
        Calculation::Divide => total / next,
        Calculation::Remainder => total % next,
        Calculation::Greatest => total.max(next),
        Calculation::Least => total.min(next),
    })
}

/// Text is not taken for a number here.
fn strictly(value: &Val<'_>) -> Result<f64, Fault> {
    match value.kind() {
        Kind::Number(n) => Ok(n),
        _ => Err(Fault::general(NO_NUMBER)),
    }
}

fn finish(how: Calculation, total: Option<f64>, count: usize) -> Result<f64, Fault> {
    let total = match (how, total) {
        (Calculation::Add, None) => 0.0,
        (Calculation::Multiply, None) => 1.0,
        (_, None) => return Err(Fault::general("a calculation without arguments")),
        (Calculation::Subtract, Some(only)) if count == 1 => -only,
        (Calculation::Divide, Some(only)) if count == 1 && only == 0.0 => {
            return Err(Fault::general("a division by zero"));
        }
        (Calculation::Divide, Some(only)) if count == 1 => 1.0 / only,
        (Calculation::Remainder, Some(_)) if count == 1 => {
            return Err(Fault::general("a remainder needs two arguments"));
        }
        (_, Some(total)) => total,
    };
    if total.is_nan() { Err(Fault::general(NO_NUMBER)) } else { Ok(total) }
}
