//! What of two answers is compared, compiled for one table.

use http::HeaderName;
use tidegate_core::model::Compare;

use super::ignore::Ignore;

/// See the module.
#[derive(Debug)]
pub(super) struct Terms {
    /// Fields.
    pub(super) fields: Vec<HeaderName>,
    /// What of JSON bodies is left out.
    pub(super) ignore: Ignore,
}

impl Terms {
    /// What cannot be a field, or a place, is left out: the manifest was checked before.
    pub(super) fn compile(compare: &Compare) -> Terms {
        let fields = compare.headers.iter().take(Compare::MOST);
        Terms {
            fields: fields.filter_map(|name| HeaderName::try_from(name.as_str()).ok()).collect(),
            ignore: Ignore::compile(&compare.ignore),
        }
    }
}
