//! What a manifest asks of the gateway that this one cannot do as it was started: tell where clients are, speak TLS. It serves
//! all the same, so these are warnings.

use std::collections::BTreeSet;

use tidegate_core::model::{Balance, Match, RevisionSpec, RouteSpec, ServiceSpec, Step};
use tidegate_core::view::DoctorFinding;
use tidegate_store::Reader;

use super::named::named;
use super::store_trouble;
use crate::plane::Refusal;
use crate::run::State;

const NO_PLACES: &str = "the gateway has no database of where clients are, so nobody matches";
const PLACES_HELP: &str =
    "put one at gateway/geo.mmdb in the data directory; another place is said by `tidegate up --geo FILE`";
const NO_TLS: &str = "the gateway speaks no TLS (`tidegate up --https`): the redirect leads nowhere, unless a load balancer in front \
                      speaks it and says so by version 2 of the PROXY protocol";
const TLS_HELP: &str = "start the gateway with `tidegate up --https`, or see \"Behind a load balancer\" in docs/guides/tls-and-http2.md";

/// What the gateway has, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    /// A database of where clients are.
    pub(super) has_places: bool,
    /// TLS, or nothing is known of it.
    pub(super) has_tls: bool,
}

impl Edge {
    /// What a revision asks for that is not there, a line each.
    pub(super) fn misses(self, spec: &RevisionSpec) -> Vec<String> {
        let services = spec.services.iter().flat_map(|(name, service)| {
            self.places_missed(service).into_iter().map(move |what| format!("{name}: {what}: {NO_PLACES}"))
        });
        let routes = spec.routes.iter().filter(|route| self.misses_tls(route));
        let routes = routes.map(|route| format!("{}{}: `https: redirect`: {NO_TLS}", route.host, route.path));
        services.chain(routes).collect()
    }

    fn places_missed(self, service: &ServiceSpec) -> Vec<String> {
        if self.has_places {
            return Vec::new();
        }
        let steps = service.strategy.steps.iter().filter(|step| match step {
            Step::Audience { who, .. } => who.any.iter().any(is_of_place),
            Step::Weight { .. }
            | Step::Mirror { .. }
            | Step::Scale(_)
            | Step::Pause { .. }
            | Step::Approve
            | Step::Analyse { .. }
            | Step::Check { .. } => false,
        });
        let mut all: Vec<String> = steps.map(|step| format!("step `{step}`")).collect();
        let rules = &service.traffic.assign.rules;
        if rules.iter().any(|rule| rule.when.iter().any(is_of_place)) {
            all.push("a rule of `arms` by country or region".to_owned());
        }
        if service.traffic.balance == Balance::Geographic {
            all.push("`balance: geographic`".to_owned());
        }
        all
    }

    fn misses_tls(self, route: &RouteSpec) -> bool {
        !self.has_tls && route.policy.https.as_ref().is_some_and(|https| https.redirect)
    }
}

fn is_of_place(what: &Match) -> bool {
    matches!(what, Match::Country(_) | Match::Region(_))
}

/// The same of all that is in force or on its way.
pub fn edge_findings(store: &Reader, state: &State) -> Result<Vec<DoctorFinding>, Refusal> {
    let seen = &state.gateway;
    let edge = Edge { has_places: state.has_places, has_tls: !seen.alive || seen.https.is_some() };
    let (mut unplaced, mut plain) = (BTreeSet::new(), BTreeSet::new());
    for service in store.services().map_err(store_trouble)? {
        let (app, environment) = (&service.key.app, &service.key.environment);
        let rollout =
            service.rollout.map(|id| store.rollout(id)).transpose().map_err(store_trouble)?.flatten();
        let numbers: BTreeSet<_> =
            service.stable.into_iter().chain(rollout.map(|rollout| rollout.to)).collect();
        for number in numbers {
            let Some(revision) = store.revision(app, environment, number).map_err(store_trouble)? else {
                continue;
            };
            let spec = revision.spec.services.get(&service.key.service);
            if spec.is_some_and(|spec| !edge.places_missed(spec).is_empty()) {
                unplaced.insert(service.key.to_string());
            }
            let routes = revision.spec.routes.iter().filter(|route| edge.misses_tls(route));
            plain.extend(routes.map(|route| format!("{}{}", route.host, route.path)));
        }
    }
    let places = format!("{NO_PLACES}: steps and rules by country or region of");
    let tls = format!("`https: redirect`: {NO_TLS}; on");
    let all = [named("places", &places, &unplaced, PLACES_HELP), named("https", &tls, &plain, TLS_HELP)];
    Ok(all.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use tidegate_config::{Source, load};

    const MANIFEST: &str = r#"
app: shop
services:
  web:
    run: x
    scale: 2
    strategy: { canary: { steps: ["country NZ for 3s", "50% for 2s"] } }
  api:
    run: x
    traffic: { arms: [{ to: candidate, when: { region: eu } }] }
  far: { run: x, traffic: { balance: geographic } }
  near: { run: x, scale: 2, strategy: { canary: { steps: ["header x-a=1 for 3s"] } } }
routes:
  - { host: shop.test, to: web, https: redirect }
  - { host: api.test, to: api }
  - { host: near.test, to: near }
"#;

    fn misses(edge: Edge) -> Vec<String> {
        let (manifest, found) = load(&Source::new("tidegate.yaml", MANIFEST.to_owned()));
        let manifest = manifest.unwrap_or_else(|| panic!("{found:?}"));
        let resolved = manifest.resolve(&"production".parse().unwrap(), &BTreeMap::new()).unwrap();
        edge.misses(&crate::intake::Accepted::new(resolved, String::new(), None).spec)
    }

    #[test]
    fn what_the_gateway_cannot_do_is_told_by_service_and_route() {
        assert_eq!(misses(Edge { has_places: true, has_tls: true }), [""; 0]);
        let lines = misses(Edge { has_places: false, has_tls: true });
        let told = [
            "api: a rule of `arms` by country or region",
            "far: `balance: geographic`",
            "web: step `country NZ for 3s`",
        ];
        assert_eq!(lines, told.map(|what| format!("{what}: {NO_PLACES}")));
        let lines = misses(Edge { has_places: true, has_tls: false });
        assert_eq!(lines, [format!("shop.test/: `https: redirect`: {NO_TLS}")]);
    }
}
