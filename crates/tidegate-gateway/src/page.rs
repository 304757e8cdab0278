//! Answers of the gateway's own. Each carries the header `tidegate-gateway`, so that nobody takes it for the app's.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use httpdate::HttpDate;

use crate::front::Part;
use crate::front::screen::Refusal;

/// The header that marks them.
pub(crate) const MARK: &str = "tidegate-gateway";

/// What names a page in its header, in counts and in logs; an extension of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark(pub(crate) &'static str);

/// Marks an answer as the gateway's own.
pub(crate) fn mark(response: &mut Response<Part>, name: &'static str) {
    response.extensions_mut().insert(Mark(name));
    response.headers_mut().insert(MARK, HeaderValue::from_static(name));
}

/// An answer of the gateway's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    status: StatusCode,
    mark: &'static str,
    text: &'static str,
    /// In seconds; 0: not said.
    retry_after: u32,
}

impl Page {
    /// No route has the host and path.
    pub(crate) const NO_ROUTE: Page = Page {
        status: StatusCode::NOT_FOUND,
        mark: "no-route",
        text: "No app is routed at this address.",
        retry_after: 0,
    };
    /// The path can be read in two ways that lead to different routes, of which one may be closed to this client.
    pub(crate) const AMBIGUOUS: Page = Page {
        status: StatusCode::BAD_REQUEST,
        mark: "ambiguous-path",
        text: "This path can be read in two ways that lead to different places. Ask without `//`, `..`, `;` or escaped slashes.",
        retry_after: 0,
    };
    /// Nothing of the app ran, and what was started for this request was not ready in time.
    pub(crate) const COLD_START: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "cold-start",
        text: "This app was started for this request and was not ready in time. Try again in a moment.",
        retry_after: 1,
    };
    /// Nothing of the app runs yet, and too many wait for it.
    pub(crate) const MANY_HELD: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "many-held",
        text: "This app is being started, and too many requests wait for it. Try again in a moment.",
        retry_after: 1,
    };
    /// The app has no instance that takes requests.
    pub(crate) const NO_ENDPOINT: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "no-endpoint",
        text: "No instance of this app is ready. Try again in a moment.",
        retry_after: 1,
    };
    /// Every instance has all the requests it may have, and so has the queue; or nothing came free in time.
    pub(crate) const OVERLOADED: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "overloaded",
        text: "This app has more requests than it can take. Try again in a moment.",
        retry_after: 1,
    };
    /// The gateway itself has no descriptor or port left for a connection to an instance.
    pub(crate) const NO_ROOM: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "overloaded",
        text: "There are more requests than can be taken here. Try again in a moment.",
        retry_after: 1,
    };
    /// Nearly everything failed of late: nothing is tried for a while.
    pub(crate) const CIRCUIT_OPEN: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "circuit-open",
        text: "This app is failing and gets no requests for a while. Try again later.",
        retry_after: 1,
    };
    /// None of the instances tried accepted a connection.
    pub(crate) const CONNECT_FAILED: Page = Page {
        status: StatusCode::BAD_GATEWAY,
        mark: "connect-failed",
        text: "No instance of this app accepted the connection.",
        retry_after: 0,
    };
    /// The connection broke before an answer.
    pub(crate) const RESET: Page = Page {
        status: StatusCode::BAD_GATEWAY,
        mark: "reset",
        text: "The app closed the connection before it answered.",
        retry_after: 0,
    };
    /// No answer in time.
    pub(crate) const TIMEOUT: Page = Page {
        status: StatusCode::GATEWAY_TIMEOUT,
        mark: "timeout",
        text: "The app did not answer in time.",
        retry_after: 0,
    };
    /// The request names no host that can be looked up.
    pub(crate) const BAD_HOST: Page = Page {
        status: StatusCode::BAD_REQUEST,
        mark: "bad-request",
        text: "The host name of this request is not valid.",
        retry_after: 0,
    };

    /// The body broke off, came too slowly or is not what its head says.
    pub(crate) const BAD_BODY: Page = Page {
        status: StatusCode::BAD_REQUEST,
        mark: "bad-request",
        text: "The body of this request is not complete.",
        retry_after: 0,
    };

    /// The client's own connection says better what was wrong with a body.
    pub(crate) fn refused(refusal: Refusal) -> Page {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mark = if refusal.status == 408 { "timeout" } else { "bad-request" };
        Page { status, mark, text: refusal.why, retry_after: 0 }
    }

    /// The route's settings cannot be used: nobody comes in by it until they are mended.
    pub(crate) const CLOSED: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "closed",
        text: "This address is closed: its settings cannot be used.",
        retry_after: 0,
    };
    /// The client's address is not among those the route is for.
    pub(crate) const NOT_ALLOWED: Page = Page {
        status: StatusCode::FORBIDDEN,
        mark: "not-allowed",
        text: "This address is not open to you.",
        retry_after: 0,
    };
    /// Another origin asks than those that may.
    pub(crate) const ORIGIN: Page = Page {
        status: StatusCode::FORBIDDEN,
        mark: "origin",
        text: "Scripts of that origin may not call this app.",
        retry_after: 0,
    };
    /// No name, or not its password.
    pub(crate) const UNAUTHORIZED: Page = Page {
        status: StatusCode::UNAUTHORIZED,
        mark: "unauthorized",
        text: "A name and a password are needed here.",
        retry_after: 0,
    };
    /// So many passwords are being checked that this one has to wait for longer than it is worth.
    pub(crate) const BUSY: Page = Page {
        status: StatusCode::SERVICE_UNAVAILABLE,
        mark: "busy",
        text: "Too many passwords are being checked. Try again in a moment.",
        retry_after: 1,
    };
    /// The client asked too often.
    pub(crate) const TOO_MANY: Page = Page {
        status: StatusCode::TOO_MANY_REQUESTS,
        mark: "rate-limit",
        text: "Too many requests. Try again in a moment.",
        retry_after: 0,
    };
    /// The body is larger than the route takes.
    pub(crate) const TOO_LARGE: Page = Page {
        status: StatusCode::PAYLOAD_TOO_LARGE,
        mark: "too-large",
        text: "The body of this request is larger than is taken here.",
        retry_after: 0,
    };
    /// The app's answer is larger than the route gives.
    pub(crate) const ANSWER_TOO_LARGE: Page = Page {
        status: StatusCode::BAD_GATEWAY,
        mark: "answer-too-large",
        text: "The answer of this app is larger than is allowed here.",
        retry_after: 0,
    };
    /// The site has no such file.
    pub(crate) const NO_FILE: Page = Page {
        status: StatusCode::NOT_FOUND,
        mark: "no-file",
        text: "There is nothing at this address.",
        retry_after: 0,
    };
    /// The file is there and cannot be read.
    pub(crate) const FILE_FAILED: Page = Page {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        mark: "file",
        text: "The file at this address cannot be read.",
        retry_after: 0,
    };
    /// The file is another one than the client has.
    pub(crate) const CHANGED: Page = Page {
        status: StatusCode::PRECONDITION_FAILED,
        mark: "changed",
        text: "The file at this address is not the one you have.",
        retry_after: 0,
    };
    /// The file has no such bytes.
    pub(crate) const NO_SUCH_RANGE: Page = Page {
        status: StatusCode::RANGE_NOT_SATISFIABLE,
        mark: "range",
        text: "The file at this address does not have these bytes.",
        retry_after: 0,
    };
    /// Files can be read, and nothing else.
    pub(crate) const WRONG_METHOD: Page = Page {
        status: StatusCode::METHOD_NOT_ALLOWED,
        mark: "method",
        text: "What is at this address can only be read.",
        retry_after: 0,
    };
    /// What was asked for cannot be put into the address of a redirect.
    pub(crate) const BAD_TARGET: Page = Page {
        status: StatusCode::BAD_REQUEST,
        mark: "bad-request",
        text: "The target of this request is not valid.",
        retry_after: 0,
    };
    /// The head says two things at once, or what no head may say.
    pub(crate) const BAD_HEAD: Page = Page {
        status: StatusCode::BAD_REQUEST,
        mark: "bad-request",
        text: "The head of this request is not valid.",
        retry_after: 0,
    };
    /// The head has more fields than are read.
    pub(crate) const MANY_FIELDS: Page = Page {
        status: StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        mark: "bad-request",
        text: "The request has too many header fields.",
        retry_after: 0,
    };
    /// A tunnel is asked for.
    pub(crate) const NO_CONNECT: Page = Page {
        status: StatusCode::NOT_IMPLEMENTED,
        mark: "bad-request",
        text: "CONNECT is not offered.",
        retry_after: 0,
    };
    /// The client waits for something that will not come.
    pub(crate) const EXPECTATION: Page = Page {
        status: StatusCode::EXPECTATION_FAILED,
        mark: "bad-request",
        text: "The only expectation met is `100-continue`.",
        retry_after: 0,
    };
    /// The same, to be asked for again after so many seconds.
    pub(crate) const fn retry_after(self, seconds: u32) -> Self {
        Page { retry_after: seconds, ..self }
    }

    /// Writes a whole answer of HTTP/1.1; `close` says that the connection ends with it, `bare` leaves the text out (HEAD).
    pub(crate) fn write(self, out: &mut Vec<u8>, close: bool, bare: bool) {
        let text = self.text();
        let retry = match self.retry_after {
            0 => String::new(),
            seconds => format!("retry-after: {seconds}\r\n"),
        };
        let close = if close { "connection: close\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 {}\r\n{MARK}: {}\r\ncontent-type: text/plain; charset=utf-8\r\ncache-control: no-store\r\n\
             {retry}{close}date: {}\r\ncontent-length: {}\r\n\r\n",
            self.status,
            self.mark,
            HttpDate::from(SystemTime::now()),
            text.len()
        );
        out.extend_from_slice(head.as_bytes());
        if !bare {
            out.extend_from_slice(text.as_bytes());
        }
    }

    /// Its status code.
    pub(crate) fn status(self) -> u16 {
        self.status.as_u16()
    }

    /// What [`MARK`] says.
    pub(crate) fn mark(self) -> &'static str {
        self.mark
    }

    fn text(self) -> String {
        format!("{} {}\n", self.status.as_u16(), self.text)
    }

    /// As a response.
    pub(crate) fn response(self) -> Response<Part> {
        let text = Bytes::from(self.text());
        let mut response = Response::new(Part::Page(Some(text)));
        *response.status_mut() = self.status;
        mark(&mut response, self.mark);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.retry_after > 0 {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(self.retry_after));
        }
        response
    }
}
