//! `tidegate flag key` as text.

use tidegate_core::model::FlagAccessKind;
use tidegate_core::view::{FlagKeyList, FlagKeyMade, FlagKeyView};

use super::table::table;

/// A line for each key.
pub fn flag_keys(list: &FlagKeyList) -> String {
    if list.keys.is_empty() {
        return "there are no keys; `tidegate flag key create --name NAME` makes one\n".to_owned();
    }
    let row = |key: &FlagKeyView| {
        [key.id.clone(), word(key.kind).to_owned(), key.name.clone(), key.made_at.clone()]
    };
    table(["ID", "KIND", "NAME", "MADE"], &list.keys.iter().map(row).collect::<Vec<_>>())
}

/// What was made, but for the key itself.
pub fn flag_key_made(made: &FlagKeyMade) -> String {
    let FlagKeyView { id, name, kind, app, environment, .. } = &made.key;
    let word = word(*kind);
    format!("{id}: {word} key `{name}` to the flags of {app} in {environment}; it is shown this once\n")
}

/// What was revoked.
pub fn flag_key_revoked(key: &FlagKeyView) -> String {
    format!("{}: `{}` is refused from now on\n", key.id, key.name)
}

fn word(kind: FlagAccessKind) -> &'static str {
    match kind {
        FlagAccessKind::Server => "server",
        FlagAccessKind::Client => "client",
    }
}
