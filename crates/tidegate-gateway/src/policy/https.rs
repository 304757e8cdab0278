//! Requests without TLS are sent to the same address with it, and those with it are told to stay there (RFC 6797).

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use tidegate_core::model::HttpsPolicy;

use super::location;
use super::{PolicyError, whole_seconds};
use crate::front::Part;
use crate::view::RequestView;

/// Certificates are asked for over plain HTTP (RFC 8555, 8.3): a redirect would be in the way of the first one.
const CHALLENGES: &str = "/.well-known/acme-challenge/";

/// See the module.
#[derive(Debug)]
pub(super) struct Https {
    redirect: bool,
    /// The value of `Strict-Transport-Security`.
    strict: Option<HeaderValue>,
}

impl Https {
    pub(super) fn compile(model: &HttpsPolicy) -> Result<Self, PolicyError> {
        let strict = model.hsts.map(|age| {
            let subdomains = if model.hsts_subdomains { "; includeSubDomains" } else { "" };
            format!("max-age={}{subdomains}", whole_seconds(age.to_std()))
        });
        if strict.is_none() && model.hsts_subdomains {
            return Err(PolicyError::new("https", "`hsts_subdomains` says nothing without `hsts`"));
        }
        let strict = strict.map(HeaderValue::try_from).transpose();
        let strict = strict.map_err(|_| PolicyError::new("https", "`hsts` is no time"))?;
        Ok(Https { redirect: model.redirect, strict })
    }

    /// The redirect, for a request that came without TLS. `port` is where TLS is spoken, if that is not 443.
    pub(super) fn redirect(&self, view: &dyn RequestView, port: Option<u16>) -> Option<Response<Part>> {
        if !self.redirect || view.peer().secure || is_challenge(view.path()) {
            return None;
        }
        let port = port.map_or(String::new(), |port| format!(":{port}"));
        // The target `*` of OPTIONS is no path.
        let path = if view.path().starts_with('/') { view.path() } else { "/" };
        let query = view.query().map_or(String::new(), |query| format!("?{query}"));
        let to = format!("https://{}{port}{path}{query}", view.host());
        Some(location::answer(StatusCode::PERMANENT_REDIRECT, to))
    }

    /// Says it on an answer under TLS; a browser takes it from nowhere else.
    pub(super) fn on_answer(&self, secure: bool, headers: &mut HeaderMap) {
        if let Some(strict) = self.strict.as_ref().filter(|_| secure) {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, strict.clone());
        }
    }
}

/// Whether it is the file of a challenge; nothing else under that prefix goes without TLS.
fn is_challenge(path: &str) -> bool {
    let is_token = |rest: &str| {
        !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    path.strip_prefix(CHALLENGES).is_some_and(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_of_a_challenge_goes_without_tls() {
        assert!(is_challenge("/.well-known/acme-challenge/DGyRejmCefe7v4NfDGDKfA_-"));
        for path in ["", "a/b", "..", "%2e%2e", "a.html"] {
            assert!(!is_challenge(&format!("{CHALLENGES}{path}")), "{path}");
        }
        assert!(!is_challenge("/.well-known/acme-challenges/a"));
    }
}
