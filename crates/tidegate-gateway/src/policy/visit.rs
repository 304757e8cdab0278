//! One request of a route with a policy, from its head to the head of its answer.

use std::rc::Rc;
use std::sync::Arc;

use http::{HeaderValue, Method, Request, Response, StatusCode, header, request};
use hyper::body::Incoming;
use tidegate_core::model::Compression;

use super::header_edit::Facts;
use super::{Policy, size_limit};
use crate::exchange::exchange;
use crate::front::{Client, Part};
use crate::head;
use crate::observe::Trail;
use crate::page::Page;
use crate::view::{PartsView, Peer, RequestView};
use crate::worker::Worker;

/// What is remembered of a request for its answer.
#[derive(Debug)]
struct Asked {
    peer: Peer,
    host: String,
    is_head: bool,
    /// Only where the answer says who may read it.
    origin: Option<HeaderValue>,
    /// Only where answers may be compressed.
    coding: Option<Compression>,
    /// Only where a field of the answer names it.
    request_id: Option<HeaderValue>,
}

/// Answers a request of a route with this policy. `host` is as [`crate::route::host_name`] spells it.
pub(crate) async fn visit(
    policy: &Policy,
    worker: &Rc<Worker>,
    client: &Arc<Client>,
    host: String,
    request: Request<Incoming>,
    trail: &Rc<Trail>,
) -> Response<Part> {
    let (mut parts, body) = request.into_parts();
    let asked = policy.asked(worker, &mut parts, client.peer, host);
    let view = PartsView { parts: &parts, host: &asked.host, peer: asked.peer };
    let response = match policy.answer(&view, worker.https_port()).await {
        Some(response) => response,
        None => exchange(worker, client, Request::from_parts(parts, body), Some(policy), trail).await,
    };
    policy.finish(&asked, response)
}

impl Policy {
    fn asked(&self, worker: &Worker, parts: &mut request::Parts, peer: Peer, host: String) -> Asked {
        let request_id = self.response_headers.names_request_id().then(|| {
            head::keep_or_make_id(&mut parts.headers, || worker.request_id());
            parts.headers.get(head::REQUEST_ID).cloned()
        });
        let origin = self.cors.as_ref().and_then(|_| parts.headers.get(header::ORIGIN).cloned());
        let is_head = parts.method == Method::HEAD;
        let coding = self.compress.as_ref().and_then(|compress| compress.choose(&parts.headers));
        Asked { peer, host, is_head, coding, origin, request_id: request_id.flatten() }
    }

    /// The answer where the app is not to be asked.
    async fn answer(&self, view: &dyn RequestView, https_port: Option<u16>) -> Option<Response<Part>> {
        if self.closed {
            return Some(Page::CLOSED.response());
        }
        if self.allow.as_ref().is_some_and(|networks| !networks.contains(view.client())) {
            return Some(Page::NOT_ALLOWED.response());
        }
        let https = || self.https.as_ref()?.redirect(view, https_port);
        let maintenance = || self.maintenance.as_ref()?.page(view);
        let rate = || self.rate_limit.as_ref()?.refuse(view);
        let preflight = || self.cors.as_ref()?.preflight(view);
        let known = https().or_else(maintenance).or_else(rate).or_else(preflight);
        if known.is_some() {
            return known;
        }
        if let Some(auth) = &self.basic_auth
            && let Some(refusal) = auth.refuse(view).await
        {
            return Some(refusal);
        }
        let redirect = self.redirect.as_ref().map(|redirect| redirect.answer(view));
        redirect.or_else(|| size_limit::refuse(self.limits, view))
    }

    /// Changes the head that an endpoint gets. It is in origin form already and carries the gateway's own fields.
    pub(crate) fn prepare(&self, parts: &mut request::Parts, peer: Peer, host: &str) {
        if let Some(rewrite) = &self.rewrite {
            rewrite.apply(parts);
        }
        if self.basic_auth.is_some() {
            parts.headers.remove(header::AUTHORIZATION);
        }
        let request_id = parts.headers.get(head::REQUEST_ID).cloned();
        let facts = Facts { client: peer.address.ip(), host, request_id: request_id.as_ref() };
        self.request_headers.apply(&mut parts.headers, facts);
    }

    /// Most bytes of a request's body.
    pub(crate) fn most_uploaded(&self) -> Option<u64> {
        self.limits.request.map(|size| size.0)
    }

    fn finish(&self, asked: &Asked, response: Response<Part>) -> Response<Part> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return response;
        }
        let mut response = size_limit::hold(self.limits, asked.is_head, response);
        if let Some(cors) = &self.cors {
            cors.on_answer(asked.origin.as_ref(), &mut response);
        }
        if let Some(compress) = &self.compress {
            response = compress.apply(asked.coding, asked.is_head, response);
        }
        let headers = response.headers_mut();
        if let Some(https) = &self.https {
            https.on_answer(asked.peer.secure, headers);
        }
        let client = asked.peer.address.ip();
        let facts = Facts { client, host: &asked.host, request_id: asked.request_id.as_ref() };
        self.response_headers.apply(headers, facts);
        response
    }
}
