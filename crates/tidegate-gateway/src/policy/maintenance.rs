//! A page for everybody but a few, while the app must not be used.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use tidegate_core::model;

use super::allow::Networks;
use super::{PolicyError, whole_seconds};
use crate::front::Part;
use crate::page::mark;
use crate::view::RequestView;

/// The longest page; it is kept in memory.
const LONGEST: usize = 256 * 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Maintenance {
    status: StatusCode,
    body: Bytes,
    kind: &'static str,
    retry_after: Option<HeaderValue>,
    allow: Networks,
}

impl Maintenance {
    pub(super) fn compile(model: &model::Maintenance) -> Result<Self, PolicyError> {
        let wrong = |why: String| PolicyError::new("maintenance", why);
        let status = StatusCode::from_u16(model.status).ok();
        let status = status
            .filter(|status| (200..=599).contains(&status.as_u16()) && !has_no_body(*status))
            .ok_or_else(|| wrong(format!("{} is no status that a page can have", model.status)))?;
        if model.body.len() > LONGEST {
            return Err(wrong(format!("the body is longer than {LONGEST} bytes")));
        }
        let html = model.body.trim_start().starts_with('<');
        Ok(Maintenance {
            status,
            body: Bytes::from(model.body.clone()),
            kind: if html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" },
            retry_after: model.retry_after.map(|time| HeaderValue::from(whole_seconds(time.to_std()))),
            allow: Networks::parse("maintenance.allow", &model.allow)?,
        })
    }

    /// The page, unless the client may pass.
    pub(super) fn page(&self, view: &dyn RequestView) -> Option<Response<Part>> {
        if self.allow.contains(view.client()) {
            return None;
        }
        let mut response = Response::new(Part::Page(Some(self.body.clone())));
        *response.status_mut() = self.status;
        mark(&mut response, "maintenance");
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(time) = &self.retry_after {
            headers.insert(header::RETRY_AFTER, time.clone());
        }
        Some(response)
    }
}

fn has_no_body(status: StatusCode) -> bool {
    matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}
