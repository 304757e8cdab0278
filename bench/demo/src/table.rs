//! The table at the end.

use crate::account::{Account, Ending, Outcome};

/// The table, and a line that says what to make of it.
pub fn render(account: &Account) -> String {
    let mut text = format!(
        "\n{:<38} {:<10} {:>4} {:>9} {:>7} {:>12} {:>8}\n",
        "version", "ended", "ok?", "requests", "failed", "it answered", "seconds"
    );
    for step in &account.steps {
        text += &row(step);
    }
    text += &format!("{:<38} {:<10} {:>4} {:>9} {:>7}\n\n", "all", "", "", account.requests, account.failed);
    text += &verdict(account);
    text
}

fn row(step: &Outcome) -> String {
    let ok = if step.is_good() { "yes" } else { "NO" };
    format!(
        "{:<38} {:<10} {:>4} {:>9} {:>7} {:>12} {:>8.1}\n",
        step.name, step.phase, ok, step.requests, step.failed, step.answered, step.seconds
    )
}

fn verdict(account: &Account) -> String {
    let mut text = format!(
        "{:.0} requests a second; {} lost by a deploy, an upgrade or a version that never served.\n",
        account.rate,
        account.lost()
    );
    for step in account.steps.iter().filter(|step| step.wanted == Ending::TakenBackServing) {
        text += &format!(
            "`{}` passed its probe and got all requests: {} were answered by it, {} failed as it died.\n",
            step.name, step.answered, step.failed
        );
    }
    text += if account.is_good() {
        "Everything ended as it should.\n"
    } else {
        "NOT everything ended as it should.\n"
    };
    text
}
