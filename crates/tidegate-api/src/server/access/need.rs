//! What an endpoint needs, as data: the action, and where a request says what it is about.

use tidegate_core::access::Action;

use crate::server::endpoints;

/// What whoever asks must be allowed to do, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) struct Need {
    /// What.
    pub(in crate::server) action: Action,
    /// Where.
    pub(in crate::server) at: At,
    /// Where a request says that it passes over the rules of a protected environment, which needs a right of its own.
    pub(in crate::server) glass: Glass,
}

/// Where a request says what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum At {
    /// Nowhere: it is about the installation.
    Installation,
    /// `app` and `environment` of its query.
    Scope,
    /// The same, and a body that says what a flag is to serve.
    Release,
    /// `app` of its query.
    AppOfQuery,
    /// `{app}` of its path.
    AppOfPath,
    /// `{environment}` of its path and `app` of its query.
    Removal,
    /// `app` of its query and `to` of its body.
    Promotion,
    /// The manifest in its body.
    Plan,
    /// `{run}` of its path: a run of a pipeline.
    Run,
    /// `{id}` of its path: a deploy.
    Deploy,
    /// `{id}` of its path: a one-off command.
    Command,
    /// `unit` of its query, else as [`At::Scope`].
    Logs,
    /// `rollout` of its query, else as [`At::Scope`].
    Explained,
    /// `place` of its body: a role.
    Role,
    /// `place` of its query; about oneself nothing is needed.
    AskedAbout,
    /// `what` of its query: a build, with the scope of a revision.
    Build,
    /// The scope of `build` in its body: where a build is let in.
    Admitted,
    /// `app` and `environment` of its query, as far as they are there: what is left out is not filled in.
    Filtered,
    /// Its upload: the handler asks as soon as that is read.
    Upload,
    /// Everywhere: the answer has what may be read, and nothing else.
    Listed,
}

/// Where a request says that it passes over the rules of a protected environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::server) enum Glass {
    /// It cannot.
    No,
    /// `break_glass` of its query.
    Query,
    /// `break_glass` of its body.
    Body,
    /// In what goes with its upload: the handler asks.
    Upload,
}

impl Need {
    /// An action in a place.
    pub(in crate::server) fn of(action: Action, at: At) -> Self {
        Need { action, at, glass: Glass::No }
    }

    /// Whether the layer has to read the body.
    pub(super) fn reads_body(self) -> bool {
        let by_place = match self.at {
            At::Release | At::Promotion | At::Plan | At::Role | At::Admitted => true,
            At::Installation
            | At::Scope
            | At::AppOfQuery
            | At::AppOfPath
            | At::Removal
            | At::Run
            | At::Deploy
            | At::Command
            | At::Logs
            | At::Explained
            | At::AskedAbout
            | At::Build
            | At::Filtered
            | At::Upload
            | At::Listed => false,
        };
        by_place || self.glass == Glass::Body
    }
}

/// What an endpoint needs, for documentation and tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointNeed {
    /// `GET`, `POST` or `PUT`.
    pub method: String,
    /// The path, its variable parts in braces.
    pub path: &'static str,
    /// Its name.
    pub id: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What it needs; `None`: it is open to everybody, proves who asks in a way of its own, or is about what is their own.
    pub action: Option<Action>,
    /// Where that is looked at, in a word: `environment`, `app`, `installation` or `each`.
    pub place: &'static str,
    /// Whether it is about what is the caller's own: everybody who is let in may use it.
    pub own: bool,
    /// Whether it can pass over the rules of a protected environment, which needs `break-glass` besides.
    pub break_glass: bool,
}

/// What every endpoint needs, in the order of the table.
pub fn needs() -> Vec<EndpointNeed> {
    let one = |endpoint: &crate::server::endpoint::Endpoint| EndpointNeed {
        method: endpoint.method.to_uppercase(),
        path: endpoint.path,
        id: endpoint.id,
        summary: endpoint.summary,
        action: endpoint.need.map(|need| need.action),
        place: endpoint.need.map_or("", |need| word(need.at)),
        own: endpoint.own,
        break_glass: endpoint.need.is_some_and(|need| need.glass != Glass::No),
    };
    endpoints::all().iter().map(one).collect()
}

fn word(at: At) -> &'static str {
    match at {
        At::Installation => "installation",
        At::AppOfQuery | At::AppOfPath => "app",
        At::Role | At::AskedAbout | At::Filtered => "as named",
        At::Listed => "each",
        At::Scope
        | At::Release
        | At::Removal
        | At::Promotion
        | At::Plan
        | At::Run
        | At::Deploy
        | At::Command
        | At::Logs
        | At::Explained
        | At::Build
        | At::Admitted
        | At::Upload => "environment",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::server::endpoint::Endpoint;
    use crate::server::openapi::fields_of;

    fn parameters(endpoint: &Endpoint) -> BTreeSet<String> {
        endpoint.query.map(fields_of).unwrap_or_default()
    }

    #[test]
    fn every_endpoint_that_is_not_open_says_what_it_needs() {
        for endpoint in endpoints::all() {
            let free = endpoint.open || endpoint.own;
            assert_eq!(endpoint.need.is_none(), free, "{}: what does it need?", endpoint.id);
            assert!(!(endpoint.open && endpoint.own), "{}", endpoint.id);
        }
    }

    /// A field that passes over a protection and is not looked at would be a way around the right to do so.
    #[test]
    fn every_endpoint_that_can_pass_over_a_protection_says_where() {
        for endpoint in endpoints::all() {
            let Some(need) = endpoint.need else { continue };
            let in_query = parameters(&endpoint).contains("break_glass");
            let in_body =
                endpoint.body.as_ref().and_then(|body| body.schema).map(fields_of).unwrap_or_default();
            let expected = match (in_query, in_body.contains("break_glass")) {
                (true, false) => Glass::Query,
                (false, true) => Glass::Body,
                (false, false) if endpoint.id == "deploy" => Glass::Upload,
                (false, false) => Glass::No,
                (true, true) => panic!("{} says it twice", endpoint.id),
            };
            assert_eq!(need.glass, expected, "{}", endpoint.id);
        }
    }

    /// What is taken from the query has to be a part of it.
    #[test]
    fn every_place_is_found_where_the_need_says() {
        for endpoint in endpoints::all() {
            let Some(need) = endpoint.need else { continue };
            let parameters = parameters(&endpoint);
            let has = |names: &[&str]| names.iter().all(|name| parameters.contains(*name));
            let good = match need.at {
                At::Scope | At::Release => has(&["app", "environment"]),
                At::Filtered => has(&["app", "environment"]),
                At::Build => has(&["app", "environment", "what"]),
                At::Promotion => has(&["app", "environment"]) && endpoint.body.is_some(),
                At::Logs => has(&["app", "environment", "unit"]),
                At::Explained => has(&["app", "environment", "rollout"]),
                At::Removal => has(&["app"]) && endpoint.path.contains("{environment}"),
                At::AppOfQuery => has(&["app"]),
                At::AppOfPath => endpoint.path.contains("{app}"),
                At::Run => endpoint.path.contains("{run}"),
                At::Deploy | At::Command => endpoint.path.contains("{id}"),
                At::AskedAbout => has(&["place", "who"]),
                At::Plan | At::Role | At::Admitted => endpoint.body.is_some(),
                At::Installation | At::Upload | At::Listed => true,
            };
            assert!(good, "{}: {:?}", endpoint.id, need.at);
            // Whoever names a place is asked about it: nothing that has a scope is decided for the installation.
            let vague = matches!(need.at, At::Installation);
            assert!(!(vague && parameters.contains("environment")), "{}", endpoint.id);
        }
    }
}
