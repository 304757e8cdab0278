//! Hands requests of HTTP/2 to hyper, in the shape that it wants them in.

use std::rc::Rc;

use http::header::{self, HeaderName};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http2};

use super::Upload;
use crate::descriptors::Share;

/// A place on a connection that carries many requests at a time.
#[derive(Debug)]
pub(crate) struct Sender {
    pub(super) sender: http2::SendRequest<Upload>,
    pub(super) scheme: Scheme,
    /// The connection's, for as long as anything is under way on it: the count is of those under way.
    pub(super) _share: Rc<Share>,
}

impl Sender {
    pub(super) async fn send(
        &mut self,
        mut request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        shape(&mut request, &self.scheme);
        self.sender.try_send_request(request).await
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
