//! Services.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::command::Command;
use super::env::RawEnv;
use super::limits::RawLimits;
use super::port::Port;
use super::probe::RawProbes;
use super::read::{Place, Read};
use super::record::record;
use super::scale::RawScale;
use super::site::RawSite;
use super::stop::RawStop;
use super::strategy::RawStrategy;
use super::time::{HOUR, Lasting};
use super::traffic::RawTraffic;
use crate::findings::Findings;

record! { merged
    /// A long-running process type of the app. Stateless; listens on `$PORT` where it has a port.
    #[schemars(
        rename = "Service",
        extend("oneOf" = [{ "required": ["run"] }, { "required": ["static"] }])
    )]
    RawService is "a service" {
        /// The command, run by `/bin/sh -c` in the build's directory; a list of words such as `[node, server.js]` is started without a
        /// shell. It gets `$PORT`, and a signal when it is to stop.
        run: Command,
        /// A folder of the build whose files are served: nothing runs. Instead of `run`.
        r#static: RawSite,
        /// `auto` (a free one in `$PORT`), `none`, or a fixed number. Default: `auto` where a route leads to the
        /// service, it has `traffic`, an http or tcp probe asks it or it is called `web`; otherwise `none`.
        port: Port,
        /// How Tidegate learns whether an instance has started, takes requests and is alive.
        probes: RawProbes,
        /// How many instances: a number, or bounds. Default 1.
        scale: RawScale,
        /// How a rollout of the service proceeds.
        strategy: RawStrategy,
        /// How long requests in flight may take to finish on an instance that leaves. Default 30s.
        drain: Lasting<0, HOUR>,
        /// How an instance is told to stop.
        stop: RawStop,
        /// What an instance may use. Default: no limits.
        limits: RawLimits,
        /// How the gateway shares its requests out, and how long it waits for them.
        traffic: RawTraffic,
        /// The service's own variables, over the app's and the environment's.
        env: RawEnv,
    }
}

/// What an environment says of a service: the same keys, none of them required.
#[derive(Clone, Debug)]
pub(crate) struct ServiceOverlay(pub(crate) RawService);

impl Read for ServiceOverlay {
    const MAY_BE_EMPTY: bool = true;

    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        RawService::read(place, findings).map(ServiceOverlay)
    }
}

impl JsonSchema for ServiceOverlay {
    fn schema_name() -> Cow<'static, str> {
        "ServiceOverlay".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = RawService::json_schema(generator);
        schema.remove("oneOf");
        schema.insert(
            "description".to_owned(),
            "What differs for a service in this environment, key by key.".into(),
        );
        schema.insert("type".to_owned(), serde_json::json!(["object", "null"]));
        schema
    }
}
