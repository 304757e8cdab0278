//! What differs in an environment, and how versions get into it.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::branch::BranchPattern;
use super::calendar::{RawFreeze, RawWindow};
use super::env::RawEnv;
use super::flag::Flag;
use super::flags::Line;
use super::job::JobOverlay;
use super::list::{ListOf, Named};
use super::manifest::RawMigrate;
use super::name::NameText;
use super::notify::RawNotify;
use super::preview::RawPreview;
use super::read::{Place, Read};
use super::record::record;
use super::route::RawRoute;
use super::service::ServiceOverlay;
use super::some::OneOrMore;
use super::text::Text;
use super::whole::Whole;
use crate::findings::Findings;

record! { replaced
    /// What differs in an environment from the rest of the manifest.
    #[schemars(rename = "EnvironmentKeys")]
    RawEnvironmentKeys is "an environment" {
        /// Variables over the app's.
        env: RawEnv,
        /// Backing services of the environment, in place of the app's of the same name.
        resources: Named<RawEnv>,
        /// What differs for services, key by key.
        services: Named<ServiceOverlay>,
        /// What differs for jobs, key by key.
        jobs: Named<JobOverlay>,
        /// The environment's routes, in place of the app's.
        routes: ListOf<RawRoute>,
        /// The environment's migration step, over the app's.
        migrate: RawMigrate,
        /// The branches whose pushes are deployed here, or, with `promote_from`, whose commits may be promoted: `main`,
        /// `[main, "release/*"]`.
        branch: OneOrMore<Text<BranchPattern>>,
        /// The environment a build must have succeeded in before it can come here.
        promote_from: NameText,
        /// Whether a build that succeeded there comes here by itself. Default false: `tidegate promote` brings it.
        automatic: Flag,
        /// Whether what the same build showed there counts for a part of what its rollouts here are judged by. Default false.
        carry_evidence: Flag,
        /// How many people must agree to a deploy, the author not among them. Default 0.
        approvals: Whole<0, 20>,
        /// Who may agree. Default: everybody who may use the API.
        approvers: OneOrMore<Text<Line>>,
        /// Whether nothing but the pipeline may change it. Default false.
        protected: Flag,
        /// When deploys may begin. Default: always.
        windows: ListOf<RawWindow>,
        /// When no deploy begins, whatever the windows say.
        freezes: ListOf<RawFreeze>,
        /// One environment for each branch.
        preview: RawPreview,
        /// Who is told of what happens here.
        notify: ListOf<RawNotify>,
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
