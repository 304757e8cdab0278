//! `tidegate flag debt`.

use tidegate_core::view::FlagDebtView;
use tidegate_os::clock;

use super::{Answers, place_of, store_trouble};
use crate::left_over::{DAYS, left_over};
use crate::plane::{Refusal, Scope};

/// The flags of an environment that are left over, and why.
pub fn flag_debt(answers: &Answers<'_>, scope: &Scope, days: Option<u64>) -> Result<FlagDebtView, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    let definitions = answers.store.flag_definitions(&app, &environment).map_err(store_trouble)?;
    let days = days.unwrap_or(DAYS);
    let debts = definitions
        .map(|definitions| left_over(answers.store, &definitions, None, (days, clock::unix_ms())))
        .transpose()
        .map_err(store_trouble)?;
    let (app, environment) = (app.to_string(), environment.to_string());
    Ok(FlagDebtView { app, environment, days, debts: debts.unwrap_or_default() })
}
