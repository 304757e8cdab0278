//! What is done with the requests of a route besides passing them on: the middleware of [`RoutePolicy`], compiled once per
//! table and applied in the order of its fields. What refuses comes first.
//!
//! [`visit`] is what the front calls for a request of a route that has a policy; nothing here runs for the others. Each
//! middleware is a file of its name and knows nothing of the others.

mod allow;
mod error;
mod header_edit;
mod https;
mod kept;
mod location;
mod maintenance;
mod redirect;
mod rewrite;
mod visit;

use tidegate_core::model::RoutePolicy;

use allow::Networks;
use header_edit::Edit;
use https::Https;
use maintenance::Maintenance;
use redirect::Redirect;
use rewrite::Rewrite;

pub(crate) use error::PolicyError;
pub(crate) use kept::Policies;
pub(crate) use visit::visit;

/// The middleware of one route, ready for use.
#[derive(Debug)]
pub(crate) struct Policy {
    allow: Option<Networks>,
    https: Option<Https>,
    maintenance: Option<Maintenance>,
    redirect: Option<Redirect>,
    rewrite: Option<Rewrite>,
    request_headers: Edit,
    response_headers: Edit,
}

impl Policy {
    /// Checks a policy and makes it ready for the route with this path prefix.
    pub(crate) fn compile(model: &RoutePolicy, prefix: &str) -> Result<Self, PolicyError> {
        let prefix = prefix.trim_end_matches('/');
        let allow = (!model.allow.is_empty()).then(|| Networks::parse("allow", &model.allow));
        Ok(Policy {
            allow: allow.transpose()?,
            https: model.https.as_ref().map(Https::compile).transpose()?,
            maintenance: model.maintenance.as_ref().map(Maintenance::compile).transpose()?,
            redirect: model.redirect.as_ref().map(|to| Redirect::compile(to, prefix)).transpose()?,
            rewrite: model.rewrite.as_ref().map(|to| Rewrite::compile(to, prefix)).transpose()?,
            request_headers: Edit::compile_request(&model.request_headers)?,
            response_headers: Edit::compile_response(&model.response_headers)?,
        })
    }

    /// Lets nobody in: what a route falls back to whose policy cannot be applied.
    fn closed() -> Self {
        Policy {
            allow: Some(Networks::none()),
            https: None,
            maintenance: None,
            redirect: None,
            rewrite: None,
            request_headers: Edit::default(),
            response_headers: Edit::default(),
        }
    }
}

/// Whole seconds of a field that counts in seconds, never less than the time itself.
fn whole_seconds(time: std::time::Duration) -> u64 {
    time.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}
