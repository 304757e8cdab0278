//! `tidegate flag debt` and `tidegate flag explain` as text.

use tidegate_core::view::FlagDebtView;
use tidegate_flags::Explanation;

use super::table::table;

/// The longest part of a rule that is shown, in characters.
const WIDEST: usize = 100;

/// A line for each debt.
pub fn flag_debt(debt: &FlagDebtView) -> String {
    if debt.debts.is_empty() {
        return format!("{}/{}: no flag is left over\n", debt.app, debt.environment);
    }
    let rows: Vec<_> = debt
        .debts
        .iter()
        .map(|debt| [debt.key.to_string(), debt.kind.as_str().to_owned(), debt.says.clone()])
        .collect();
    table(["FLAG", "IS", "WHY"], &rows)
}

/// What it is, and below it what was looked at, in order.
pub fn flag_explanation(explanation: &Explanation) -> String {
    let mut text = match (&explanation.failure, &explanation.variant, &explanation.value) {
        (Some(failure), ..) => {
            format!("{} fails: {} ({})\n", explanation.key, failure.details, failure.code.as_str())
        }
        (None, Some(variant), Some(value)) => {
            format!("{} is {value} (variant {variant}, {})\n", explanation.key, explanation.reason)
        }
        (None, ..) => {
            format!("{} has no value: the default in the code ({})\n", explanation.key, explanation.reason)
        }
    };
    for step in &explanation.steps {
        let result = step.result.as_ref().map_or_else(|| "failed".to_owned(), ToString::to_string);
        let place = if step.pointer.is_empty() { "the rule" } else { &step.pointer };
        text.push_str(&format!(
            "  {place}\n    {}\n    -> {result}: {}\n",
            cut(&step.rule.to_string()),
            step.note
        ));
    }
    if explanation.steps.is_empty() && explanation.failure.is_none() {
        text.push_str("  no rule: the same for everybody\n");
    }
    text
}

fn cut(rule: &str) -> String {
    if rule.chars().count() <= WIDEST {
        return rule.to_owned();
    }
    rule.chars().take(WIDEST).chain(['…']).collect()
}
