//! Answers that send a client elsewhere. Whatever a client puts into its path, it cannot make one lead to another site.

use std::borrow::Cow;

use http::{HeaderValue, Response, StatusCode, header};

use crate::front::Part;
use crate::page::{Page, mark};

/// The answer with this `Location`. One that cannot stand in a field is the fault of the request it was made from.
pub(super) fn answer(status: StatusCode, to: String) -> Response<Part> {
    let Ok(to) = HeaderValue::try_from(to) else { return Page::BAD_TARGET.response() };
    let mut response = Response::new(Part::Empty);
    *response.status_mut() = status;
    response.headers_mut().insert(header::LOCATION, to);
    mark(&mut response, "redirect");
    response
}

/// A path that stays on its site: a browser takes `//name` and `/\name` for the name of another one.
pub(super) fn on_this_site(path: &str) -> Cow<'_, str> {
    let rest = path.trim_start_matches(['/', '\\']);
    let slashes = path.len() - rest.len();
    if slashes == 1 && path.starts_with('/') { Cow::Borrowed(path) } else { Cow::Owned(format!("/{rest}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_never_names_another_site() {
        for (path, kept) in [
            ("/a//b", "/a//b"),
            ("//evil.test", "/evil.test"),
            ("///evil.test/x", "/evil.test/x"),
            ("/\\evil.test", "/evil.test"),
            ("\\\\evil.test", "/evil.test"),
            ("/", "/"),
            ("", "/"),
            ("x", "/x"),
        ] {
            assert_eq!(on_this_site(path), kept, "{path}");
        }
    }
}
