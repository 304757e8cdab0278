//! What the gateway is told of an environment's experiments, beside the flags themselves.

use std::collections::BTreeMap;

use tidegate_core::experiment::Design;
use tidegate_core::model::{BundleExperiment, BundleExperiments, Name};
use tidegate_store::{Reader, StoreError};

use super::Pseudonyms;
use super::standing::designs;
use crate::snapshot::digest_of;

/// Hex digits of a design's digest that are enough to tell it from others.
const DIGITS: usize = 32;

/// Those of an environment that the gateway has a part in; `None`: there are none. Whether one has been stopped is not said here: the table
/// says what is counted.
pub(crate) fn in_bundle(
    store: &Reader,
    pseudonyms: &Pseudonyms,
    (app, environment): (&Name, &Name),
) -> Result<Option<BundleExperiments>, StoreError> {
    let mut flags = BTreeMap::new();
    for designed in designs(store, app, environment)? {
        if let Ok(design) = &designed.design
            && !design.user.is_empty()
        {
            let variants = design.drawn.iter().map(|drawn| drawn.variant.clone()).collect();
            flags.insert(designed.flag, BundleExperiment { design: tag(design), variants });
        }
    }
    let salt = pseudonyms.salt_in_hex((app, environment));
    Ok((!flags.is_empty()).then_some(BundleExperiments { salt, flags }))
}

/// What tells a design from others: users that were dealt out under another one are no users of this one.
pub(super) fn tag(design: &Design) -> String {
    // How the rule is written is no part of it, and what it comes to is.
    let meant = Design { rule: serde_json::Value::Null, ..design.clone() };
    let text = serde_json::to_vec(&meant).unwrap_or_default();
    let mut digest = digest_of(&[&text]);
    digest.truncate(DIGITS);
    digest
}
