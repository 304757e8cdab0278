//! The environment of a unit: a few of ours by name, its own, and what Tidegate says to it.
//!
//! An allow-list, so that what the control plane was started with (tokens, keys) does not reach an app.

use std::collections::BTreeMap;
use std::path::Path;

use super::spec::ShimSpec;
use crate::UnitSpec;

/// For every unit, from the control plane's own environment.
const PASSED: &[&str] = &[
    "PATH",
    "LANG",
    "TZ",
    "TERM",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
];
const PASSED_BY_PREFIX: &[&str] = &["LC_"];

/// For builds alone: how their package tools reach a registry.
const FOR_BUILDS: &[&str] =
    &["GOPROXY", "GOFLAGS", "GONOSUMDB", "GOSUMDB", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"];
const FOR_BUILDS_BY_PREFIX: &[&str] =
    &["PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "CARGO_", "YARN_", "BUNDLE_"];

/// Where programs are where our own `PATH` is not set.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The whole environment of a unit. Ours, then its own, then what must be true (`PORT`, `TIDEGATE_*`).
pub(super) fn of_unit(
    spec: &UnitSpec,
    ours: Ours,
    home: &Path,
    scratch: &Path,
    mark: &Path,
) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> =
        ours.into_iter().filter(|(name, _)| passes(name, spec.writable)).collect();
    env.entry("PATH".to_owned()).or_insert_with(|| PATH.to_owned());
    env.insert("HOME".to_owned(), home.display().to_string());
    env.insert("TMPDIR".to_owned(), scratch.join("tmp").display().to_string());
    env.extend(
        spec.env.iter().filter(|(name, _)| valid(name)).map(|(name, value)| (name.clone(), value.clone())),
    );
    env.remove("PORT");
    env.retain(|name, _| !name.starts_with("TIDEGATE_"));
    env.extend(spec.step.iter().flat_map(|step| step.said.clone()));
    env.extend(said(spec));
    env.insert(ShimSpec::MARK.to_owned(), mark.display().to_string());
    env
}

/// The control plane's own environment, as far as it is text.
pub(super) type Ours = Vec<(String, String)>;

pub(super) fn ours() -> Ours {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// What a unit gets of its secret variables: by the same rules as of its others.
pub(super) fn unsealed(sealed: BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    let ours = |name: &str| name == "PORT" || name.starts_with("TIDEGATE_");
    sealed.into_iter().filter(move |(name, _)| valid(name) && !ours(name))
}

fn said(spec: &UnitSpec) -> Vec<(String, String)> {
    let mut said = vec![
        ("TIDEGATE_APP".to_owned(), spec.app.to_string()),
        ("TIDEGATE_INSTANCE".to_owned(), spec.id.to_string()),
    ];
    let mut add =
        |name: &str, value: Option<String>| said.extend(value.map(|value| (name.to_owned(), value)));
    add("TIDEGATE_ENVIRONMENT", spec.environment.as_ref().map(ToString::to_string));
    add("TIDEGATE_SERVICE", spec.service.as_ref().map(ToString::to_string));
    add("TIDEGATE_REVISION", spec.revision.map(|revision| revision.to_string()));
    said
}

fn passes(name: &str, build: bool) -> bool {
    let listed = |names: &[&str], prefixes: &[&str]| {
        names.contains(&name) || prefixes.iter().any(|prefix| name.starts_with(prefix))
    };
    listed(PASSED, PASSED_BY_PREFIX) || (build && listed(FOR_BUILDS, FOR_BUILDS_BY_PREFIX))
}

/// A name the kernel's `NAME=value` form can carry.
fn valid(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::spec::example;

    fn ours() -> Ours {
        [
            ("PATH", "/p"),
            ("TIDEGATE_TOKEN", "s3cret"),
            ("AWS_SECRET", "s3cret"),
            ("LC_ALL", "C"),
            ("PIP_INDEX_URL", "u"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn only_listed_variables_pass_and_what_tidegate_says_wins() {
        let mut spec = example("web-1");
        spec.env = [("PORT", "1"), ("TIDEGATE_APP", "liar"), ("A=B", "x"), ("KEY", "v"), ("HOME", "/mine")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let env = of_unit(&spec, ours(), Path::new("/h"), Path::new("/s"), Path::new("/u"));
        let names: Vec<&str> = env.keys().map(String::as_str).collect();
        let expected =
            ["HOME", "KEY", "LC_ALL", "PATH", "TIDEGATE_APP", "TIDEGATE_INSTANCE", "TIDEGATE_UNIT", "TMPDIR"];
        assert_eq!(names, expected);
        assert_eq!((env["TIDEGATE_APP"].as_str(), env["HOME"].as_str()), ("shop", "/mine"));
    }

    #[test]
    fn a_step_is_told_of_its_run_by_nobody_else() {
        let mut spec = example("step-1");
        spec.env = [("TIDEGATE_RUN".to_owned(), "forged".to_owned())].into();
        let said = [("TIDEGATE_RUN".to_owned(), "7".to_owned())].into();
        spec.step = Some(crate::StepUnit { said, offline: false });
        let env = of_unit(&spec, ours(), Path::new("/h"), Path::new("/s"), Path::new("/u"));
        assert_eq!(env["TIDEGATE_RUN"], "7");
    }

    #[test]
    fn a_build_also_gets_what_its_package_tools_need() {
        let mut spec = example("build-1");
        spec.writable = true;
        let env = of_unit(&spec, ours(), Path::new("/h"), Path::new("/s"), Path::new("/u"));
        assert_eq!(env["PIP_INDEX_URL"], "u");
        assert!(!env.values().any(|value| value == "s3cret"));
    }
}
