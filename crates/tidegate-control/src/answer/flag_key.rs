//! `tidegate flag key list`.

use tidegate_core::model::FlagAccess;
use tidegate_core::view::{FlagKeyList, FlagKeyView};

use super::timeline::rfc3339;
use super::{Answers, place_of, store_trouble};
use crate::plane::{Refusal, Scope};

/// The keys of an environment, oldest first.
pub fn flag_keys(answers: &Answers<'_>, scope: &Scope) -> Result<FlagKeyList, Refusal> {
    let (app, environment) = place_of(answers.store, scope)?;
    let keys = answers.store.flag_keys_of(&app, &environment).map_err(store_trouble)?;
    Ok(FlagKeyList { keys: keys.iter().map(flag_key_view).collect() })
}

/// One key, without its digest.
pub fn flag_key_view(key: &FlagAccess) -> FlagKeyView {
    FlagKeyView {
        id: key.id.clone(),
        name: key.name.clone(),
        kind: key.kind,
        app: key.app.to_string(),
        environment: key.environment.to_string(),
        made_at: rfc3339(key.made_at_unix_ms),
    }
}
