//! What is done with the requests of a route besides passing them on: the middleware of [`RoutePolicy`], compiled once per
//! table and applied in the order of its fields. What refuses comes first.
//!
//! [`visit()`] is what the front calls for a request of a route that has a policy; nothing here runs for the others. Each
//! middleware is a file of its name and knows nothing of the others.

mod accept;
mod allow;
mod basic_auth;
mod compress;
mod cors;
mod error;
mod header_edit;
mod https;
mod kept;
mod kind;
mod location;
mod maintenance;
mod rate_limit;
mod redirect;
mod rewrite;
pub(crate) mod site;
mod size_limit;
mod vary;
mod visit;

use tidegate_core::model::{RoutePolicy, SizeLimits};

use allow::Networks;
use basic_auth::BasicAuth;
use compress::Compress;
use cors::Cors;
use header_edit::Edit;
use https::Https;
use maintenance::Maintenance;
use rate_limit::RateLimit;
use redirect::Redirect;
use rewrite::Rewrite;

pub(crate) use compress::Compressed;
pub(crate) use error::PolicyError;
pub(crate) use kept::Policies;
pub(crate) use site::{FileBody, Site, Visit};
pub(crate) use size_limit::Capped;
pub(crate) use visit::visit;

/// The middleware of one route, ready for use.
#[derive(Debug)]
pub(crate) struct Policy {
    /// Nobody is let in: the settings cannot be used.
    closed: bool,
    allow: Option<Networks>,
    https: Option<Https>,
    maintenance: Option<Maintenance>,
    rate_limit: Option<RateLimit>,
    cors: Option<Cors>,
    basic_auth: Option<BasicAuth>,
    redirect: Option<Redirect>,
    limits: SizeLimits,
    rewrite: Option<Rewrite>,
    request_headers: Edit,
    response_headers: Edit,
    compress: Option<Compress>,
}

impl Policy {
    /// Checks a policy and makes it ready for the route with this path prefix.
    pub(crate) fn compile(model: &RoutePolicy, prefix: &str) -> Result<Self, PolicyError> {
        let prefix = prefix.trim_end_matches('/');
        let allow = (!model.allow.is_empty()).then(|| Networks::parse("allow", &model.allow));
        Ok(Policy {
            closed: false,
            allow: allow.transpose()?,
            https: model.https.as_ref().map(Https::compile).transpose()?,
            maintenance: model.maintenance.as_ref().map(Maintenance::compile).transpose()?,
            rate_limit: model.rate_limit.as_ref().map(RateLimit::compile).transpose()?,
            cors: model.cors.as_ref().map(Cors::compile).transpose()?,
            basic_auth: model.basic_auth.as_ref().map(BasicAuth::compile).transpose()?,
            redirect: model.redirect.as_ref().map(|to| Redirect::compile(to, prefix)).transpose()?,
            limits: model.limits,
            rewrite: model.rewrite.as_ref().map(|to| Rewrite::compile(to, prefix)).transpose()?,
            request_headers: Edit::compile_request(&model.request_headers)?,
            response_headers: Edit::compile_response(&model.response_headers)?,
            compress: model.compress.as_ref().map(Compress::compile).transpose()?,
        })
    }

    /// Lets nobody in: what a route falls back to whose policy cannot be applied. Without it an allow-list or a password
    /// would be missing.
    fn closed() -> Self {
        Policy {
            closed: true,
            allow: None,
            https: None,
            maintenance: None,
            rate_limit: None,
            cors: None,
            basic_auth: None,
            redirect: None,
            limits: SizeLimits::default(),
            rewrite: None,
            request_headers: Edit::default(),
            response_headers: Edit::default(),
            compress: None,
        }
    }
}

/// Whole seconds of a field that counts in seconds, never less than the time itself.
fn whole_seconds(time: std::time::Duration) -> u64 {
    time.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
}
