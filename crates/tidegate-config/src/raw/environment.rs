//! What differs in an environment.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::env::RawEnv;
use super::job::JobOverlay;
use super::later::Later;
use super::list::{ListOf, Named};
use super::manifest::RawMigrate;
use super::read::{Place, Read};
use super::record::record;
use super::route::RawRoute;
use super::service::ServiceOverlay;
use crate::findings::Findings;

record! { replaced
    /// What differs in an environment from the rest of the manifest.
    #[schemars(rename = "EnvironmentKeys")]
    RawEnvironmentKeys is "an environment" {
        /// Variables over the app's.
        env: RawEnv,
        /// What differs for services, key by key.
        services: Named<ServiceOverlay>,
        /// What differs for jobs, key by key.
        jobs: Named<JobOverlay>,
        /// The environment's routes, in place of the app's.
        routes: ListOf<RawRoute>,
        /// The environment's migration step, over the app's.
        migrate: RawMigrate,
        /// The branch that is deployed here. Not used by this version yet.
        #[expect(dead_code, reason = "reading it warns")]
        branch: Later,
        /// The environment a build must have been in before. Not used by this version yet.
        #[expect(dead_code, reason = "reading it warns")]
        promote_from: Later,
        /// How many people must agree to a deploy. Not used by this version yet.
        #[expect(dead_code, reason = "reading it warns")]
        approvals: Later,
    }
}

/// An environment; it may say nothing at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct RawEnvironment(pub(crate) RawEnvironmentKeys);

impl Read for RawEnvironment {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        RawEnvironmentKeys::read(place, findings).map(RawEnvironment)
    }
}

impl JsonSchema for RawEnvironment {
    fn schema_name() -> Cow<'static, str> {
        "Environment".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = RawEnvironmentKeys::json_schema(generator);
        schema.insert("type".to_owned(), serde_json::json!(["object", "null"]));
        schema
    }
}
