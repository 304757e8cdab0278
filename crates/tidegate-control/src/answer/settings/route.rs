//! What a route does besides leading to a service.

use tidegate_core::model::{
    ClientKey, Compress, Compression, Cors, HeaderEdit, HttpsPolicy, Maintenance, RateLimit, Rewrite,
    RoutePolicy,
};

use super::Setting;

/// What is on, in the order of the manifest's keys.
pub(crate) fn of_route(policy: &RoutePolicy) -> Vec<Setting> {
    let sizes = &policy.limits;
    let settings = [
        (!policy.allow.is_empty()).then(|| Setting::new("allow", joined(&policy.allow))),
        policy.https.as_ref().map(|policy| Setting::new("https", https(policy))),
        policy.maintenance.as_ref().map(|page| Setting::new("maintenance", maintenance(page)).hiding(page)),
        policy.rate_limit.as_ref().map(|limit| Setting::new("rate_limit", rate_limit(limit))),
        policy.cors.as_ref().map(|policy| Setting::new("cors", cors(policy))),
        policy
            .basic_auth
            .as_ref()
            .map(|auth| Setting::new("basic_auth", joined(auth.users.keys())).hiding(auth)),
        policy.redirect.as_ref().map(|to| Setting::new("redirect", format!("{} ({})", to.to, to.status))),
        sizes.request.map(|size| Setting::new("max_request", size)),
        sizes.response.map(|size| Setting::new("max_response", size)),
        policy.rewrite.as_ref().map(|path| Setting::new("rewrite", rewrite(path))),
        headers("headers.request", &policy.request_headers),
        headers("headers.response", &policy.response_headers),
        policy.compress.as_ref().map(|policy| Setting::new("compress", compress(policy))),
    ];
    settings.into_iter().flatten().collect()
}

fn joined<'a>(words: impl IntoIterator<Item = &'a String>) -> String {
    words.into_iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What tells clients apart, as the manifest has it.
pub(super) fn client_key(key: &ClientKey) -> String {
    match key {
        ClientKey::Address => "address".to_owned(),
        ClientKey::Header(name) => format!("header:{name}"),
        ClientKey::Cookie(name) => format!("cookie:{name}"),
    }
}

fn https(policy: &HttpsPolicy) -> String {
    let redirect = policy.redirect.then(|| "redirect".to_owned());
    let subdomains = if policy.hsts_subdomains { " with subdomains" } else { "" };
    let hsts = policy.hsts.map(|age| format!("hsts {age}{subdomains}"));
    redirect.into_iter().chain(hsts).collect::<Vec<_>>().join(", ")
}

fn maintenance(page: &Maintenance) -> String {
    let after = page.retry_after.map(|after| format!(", again after {after}")).unwrap_or_default();
    let allow =
        if page.allow.is_empty() { String::new() } else { format!(", not for {}", joined(&page.allow)) };
    format!("{}, a page of {} bytes{after}{allow}", page.status, page.body.len())
}

fn rate_limit(limit: &RateLimit) -> String {
    let RateLimit { requests, per, burst, by } = limit;
    format!("{requests} per {per}, {burst} at once, by {}", client_key(by))
}

fn cors(cors: &Cors) -> String {
    let some =
        |what: &str, words: &[String]| (!words.is_empty()).then(|| format!("{what} {}", joined(words)));
    let parts = [
        some("origins", &cors.origins),
        some("methods", &cors.methods),
        some("headers", &cors.headers),
        some("expose", &cors.expose),
        cors.credentials.then(|| "with credentials".to_owned()),
        cors.max_age.map(|age| format!("for {age}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn rewrite(rewrite: &Rewrite) -> String {
    match rewrite {
        Rewrite::StripPrefix => "the route's prefix is taken off".to_owned(),
        Rewrite::ReplacePrefix(prefix) => format!("the route's prefix becomes {prefix}"),
        Rewrite::Path(path) => format!("the path becomes {path}"),
    }
}

/// Names of fields only: their values may be keys of other services.
fn headers(key: &'static str, edit: &HeaderEdit) -> Option<Setting> {
    let some =
        |what: &str, names: Vec<&String>| (!names.is_empty()).then(|| format!("{what} {}", joined(names)));
    let parts = [
        some("remove", edit.remove.iter().collect()),
        some("set", edit.set.keys().collect()),
        some("add", edit.add.keys().collect()),
    ];
    let words: Vec<String> = parts.into_iter().flatten().collect();
    (!words.is_empty()).then(|| Setting::new(key, words.join("; ")).hiding(edit))
}

fn compress(policy: &Compress) -> String {
    let names: Vec<&str> = policy.algorithms.iter().copied().map(coding).collect();
    format!("{} from {}", names.join(", "), policy.min_size)
}

fn coding(coding: Compression) -> &'static str {
    match coding {
        Compression::Zstd => "zstd",
        Compression::Brotli => "br",
        Compression::Gzip => "gzip",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::settings::differences;
    use tidegate_core::model::BasicAuth;

    fn with_hash(hash: &str) -> RoutePolicy {
        let users = [("ann".to_owned(), hash.to_owned())].into();
        let basic_auth = Some(BasicAuth { realm: "Staff".to_owned(), users });
        let mut policy = RoutePolicy { basic_auth, ..RoutePolicy::default() };
        policy.request_headers.set.insert("x-key".to_owned(), format!("value of {hash}"));
        policy
    }

    #[test]
    fn secrets_are_compared_and_never_shown() {
        let (old, new) = (of_route(&with_hash("hunter2")), of_route(&with_hash("hunter3")));
        let lines = differences(&old, &new);
        assert_eq!(
            lines,
            [
                "basic_auth: values that are not shown change",
                "headers.request: values that are not shown change"
            ]
        );
        assert_eq!(differences(&[], &old), ["basic_auth: ann", "headers.request: set x-key"]);
        assert_eq!(differences(&old, &[]), ["basic_auth is removed", "headers.request is removed"]);
        assert!(differences(&old, &old).is_empty());
    }

    #[test]
    fn a_changed_setting_says_from_what_to_what() {
        let limit = |requests| RoutePolicy {
            rate_limit: Some(RateLimit {
                requests,
                per: tidegate_core::time::Millis::seconds(60),
                burst: 20,
                by: ClientKey::Header("x-api-key".to_owned()),
            }),
            ..RoutePolicy::default()
        };
        assert_eq!(
            differences(&of_route(&limit(100)), &of_route(&limit(200))),
            [
                "rate_limit: 100 per 1m, 20 at once, by header:x-api-key → 200 per 1m, 20 at once, by header:x-api-key"
            ]
        );
    }
}
