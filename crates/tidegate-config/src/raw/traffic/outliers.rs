//! `outliers`: instances that fail are left out for a while.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::model::Outliers;
use tidegate_core::time::Millis;

use crate::findings::Findings;
use crate::raw::percent::Percent;
use crate::raw::probe::True;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::time::{HOUR, Lasting, SECOND};
use crate::raw::whole::Whole;
use crate::tree::Value;

record! { replaced
    /// Instances that fail are left out for a while.
    #[schemars(rename = "Outliers")]
    RawOutliersMap is "`outliers`" {
        /// So many failures one after another leave an instance out. Default 5.
        after: Whole<1, 1_000>,
        /// For how long; longer each time. Default 30s.
        eject: Lasting<SECOND, HOUR>,
        /// At most this share of an arm's instances is left out at once. Default 50%.
        max_share: Percent<1>,
    }
}

/// `true`, or a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawOutliers(pub(crate) Outliers);

const DEFAULT: Outliers = Outliers { consecutive: 5, eject: Millis::seconds(30), max_share: 50 };

impl Read for RawOutliers {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        if matches!(place.node.value, Value::Bool(_)) {
            return True::read(place, findings).map(|True| RawOutliers(DEFAULT));
        }
        let map = RawOutliersMap::read(place, findings)?;
        Some(RawOutliers(Outliers {
            consecutive: map.after.value().map_or(DEFAULT.consecutive, |after| after.0),
            eject: map.eject.value().map_or(DEFAULT.eject, |eject| eject.0),
            max_share: map.max_share.value().map_or(DEFAULT.max_share, |share| share.0),
        }))
    }
}

impl JsonSchema for RawOutliers {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "OutliersForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let map = generator.subschema_for::<RawOutliersMap>();
        json_schema!({ "anyOf": [{ "type": "boolean", "const": true }, map] })
    }
}
