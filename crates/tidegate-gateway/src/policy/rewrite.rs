//! Another path for the app than the client asked for. The query stays, and so does every percent-encoded byte.

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Uri, request};
use tidegate_core::model;

use super::PolicyError;
use crate::route::{behind, keys};

/// Tells an app behind a stripped prefix under which path its users see it.
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// See the module.
#[derive(Debug)]
pub(super) struct Rewrite {
    /// The route's path prefix as it is sent, without a `/` at its end.
    prefix: Box<str>,
    to: To,
}

#[derive(Debug)]
enum To {
    /// This prefix instead, without a `/` at its end; `told` in `X-Forwarded-Prefix` where there is one.
    Prefix { new: Box<str>, told: Option<HeaderValue> },
    /// This path.
    Path(Box<str>),
}

impl Rewrite {
    pub(super) fn compile(model: &model::Rewrite, prefix: &str) -> Result<Self, PolicyError> {
        let [prefix, _] = keys(prefix);
        let to = match model {
            model::Rewrite::StripPrefix => To::Prefix { new: "".into(), told: told(&prefix)? },
            model::Rewrite::ReplacePrefix(new) => {
                check(new)?;
                To::Prefix { new: new.trim_end_matches('/').into(), told: None }
            }
            model::Rewrite::Path(path) => {
                check(path)?;
                To::Path(path.as_str().into())
            }
        };
        Ok(Rewrite { prefix: prefix.into(), to })
    }

    /// Changes the target of a request in origin form. A target that is no path, as `*`, stays.
    pub(super) fn apply(&self, parts: &mut request::Parts) {
        parts.headers.remove(FORWARDED_PREFIX);
        let Some(path) = self.path(parts.uri.path()) else { return };
        if let To::Prefix { told: Some(told), .. } = &self.to {
            parts.headers.insert(FORWARDED_PREFIX, told.clone());
        }
        let query = parts.uri.query().map_or(String::new(), |query| format!("?{query}"));
        // What was a target stays one: the pieces were all taken from targets.
        if let Ok(target) = PathAndQuery::try_from(format!("{path}{query}")) {
            parts.uri = Uri::from(target);
        }
    }

    fn path(&self, path: &str) -> Option<String> {
        let rest = behind(path, &self.prefix)?;
        if !path.starts_with('/') || !(rest.is_empty() || rest.starts_with('/')) {
            return None;
        }
        Some(match &self.to {
            To::Path(path) => path.to_string(),
            To::Prefix { new, .. } if new.is_empty() && rest.is_empty() => "/".to_owned(),
            To::Prefix { new, .. } => format!("{new}{rest}"),
        })
    }
}

fn told(prefix: &str) -> Result<Option<HeaderValue>, PolicyError> {
    if prefix.is_empty() {
        return Ok(None);
    }
    let value = HeaderValue::try_from(prefix);
    value.map(Some).map_err(|_| PolicyError::new("rewrite", format!("`{prefix}` is no path prefix")))
}

fn check(path: &str) -> Result<(), PolicyError> {
    let wrong = |why: &str| Err(PolicyError::new("rewrite", format!("`{path}` {why}")));
    if !path.starts_with('/') {
        return wrong("does not begin with `/`");
    }
    if path.contains(['?', '#']) {
        return wrong("is more than a path: the query of the request stays");
    }
    if PathAndQuery::try_from(path).is_err() || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("is no path: write other characters percent-encoded");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;
    use proptest::prelude::*;

    fn rewritten(model: &model::Rewrite, prefix: &str, target: &str) -> (String, Option<String>) {
        let (mut parts, ()) = Request::builder().uri(target).body(()).unwrap().into_parts();
        parts.headers.insert(FORWARDED_PREFIX, HeaderValue::from_static("/forged"));
        Rewrite::compile(model, prefix).unwrap().apply(&mut parts);
        let told = parts.headers.get(FORWARDED_PREFIX).map(|value| value.to_str().unwrap().to_owned());
        (parts.uri.to_string(), told)
    }

    #[test]
    fn a_prefix_goes_at_its_boundary() {
        use model::Rewrite::{Path, ReplacePrefix, StripPrefix};
        let v2 = ReplacePrefix("/v2/".to_owned());
        let fixed = Path("/index.php".to_owned());
        for (rewrite, target, to) in [
            (&StripPrefix, "/api", "/"),
            (&StripPrefix, "/api?a=/api", "/?a=/api"),
            (&StripPrefix, "/api/", "/"),
            (&StripPrefix, "/api/x%2Fy/%7e?q=%20", "/x%2Fy/%7e?q=%20"),
            (&StripPrefix, "/%61p%69/%2F%c3", "/%2F%c3"),
            (&StripPrefix, "/apix", "/apix"),
            (&v2, "/api", "/v2"),
            (&v2, "/api/x", "/v2/x"),
            (&fixed, "/api/x?y", "/index.php?y"),
        ] {
            assert_eq!(rewritten(rewrite, "/api", target).0, to, "{rewrite:?} {target}");
        }
        assert_eq!(rewritten(&StripPrefix, "/api", "/api/x").1.as_deref(), Some("/api"));
        assert_eq!(rewritten(&StripPrefix, "", "/api/x"), ("/api/x".to_owned(), None));
        assert_eq!(rewritten(&v2, "/api", "/api/x").1, None);
        let (to, told) = rewritten(&StripPrefix, "/größe", "/gr%C3%B6%c3%9fe/%c3");
        assert_eq!((to.as_str(), told.as_deref()), ("/%c3", Some("/gr%C3%B6%C3%9Fe")));
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for bad in ["", "x", "/a?b", "/a#b", "/a b", "/a\r\nx: y", "/é"] {
            let model = model::Rewrite::ReplacePrefix(bad.to_owned());
            assert!(Rewrite::compile(&model, "/api").is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn stripping_takes_off_the_prefix_and_nothing_else(rest in "(/[a-c%/]{0,5})?", query in "(\\?[a-c/?]{0,5})?") {
            let (to, _) = rewritten(&model::Rewrite::StripPrefix, "/api", &format!("/api{rest}{query}"));
            let path = if rest.is_empty() { "/" } else { &rest };
            prop_assert_eq!(to, format!("{path}{query}"));
        }
    }
}
