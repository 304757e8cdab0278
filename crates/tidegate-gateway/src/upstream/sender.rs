//! Hands requests to hyper, in the shape that the version spoken wants them in.

use std::rc::Rc;

use http::header::{self, HeaderName};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};

use super::Upload;

/// Means of one connection; [`super::Lease`] says whose turn it is.
#[derive(Debug)]
pub(super) enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<Upload>),
    /// Many at a time; the count is of those under way.
    Http2 { sender: http2::SendRequest<Upload>, scheme: Scheme, _busy: Rc<()> },
}

impl Sender {
    pub(super) async fn send(
        &mut self,
        mut request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        match self {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2 { sender, scheme, .. } => {
                shape(&mut request, scheme);
                sender.try_send_request(request).await
            }
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match self {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2 { sender, .. } => sender.is_closed(),
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        match self {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2 { sender, .. } => sender.is_ready(),
        }
    }

    /// Whether others use the connection as well.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Sender::Http2 { .. })
    }
}

/// The host goes into the target, and what speaks of the connection goes away. A request that has been through here and
/// was not sent may come again.
fn shape<B>(request: &mut Request<B>, scheme: &Scheme) {
    const CONNECTION: [HeaderName; 3] = [header::CONNECTION, header::UPGRADE, header::TRANSFER_ENCODING];
    for name in CONNECTION {
        request.headers_mut().remove(name);
    }
    *request.version_mut() = Version::HTTP_2;
    let host = request.headers().get(header::HOST);
    let Some(authority) = host.and_then(|host| Authority::try_from(host.as_bytes()).ok()) else { return };
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(scheme.clone());
    parts.authority = Some(authority);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
        request.headers_mut().remove(header::HOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_becomes_the_authority_once() {
        let request = Request::get("/a?b").header("host", "a.test:81").header("connection", "upgrade");
        let mut request = request.body(()).unwrap();
        for _ in 0..2 {
            shape(&mut request, &Scheme::HTTP);
            assert_eq!(request.uri(), "http://a.test:81/a?b");
            assert!(request.headers().is_empty());
        }
    }
}
