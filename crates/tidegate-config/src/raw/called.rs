//! What keys of other tools and misplaced keys are called here.

/// A word of another tool, the keys of the map it is looked for in, and what to write.
const SYNONYMS: [(&str, &str, &str); 27] = [
    ("command", "run", "a command is called `run` here"),
    ("cmd", "run", "a command is called `run` here"),
    ("start", "run", "a command is called `run` here"),
    ("entrypoint", "run", "a command is called `run` here"),
    ("replicas", "scale", "the number of instances is called `scale` here"),
    ("instances", "scale", "the number of instances is called `scale` here"),
    ("healthcheck", "probes", "health checks are called `probes` here"),
    ("health", "probes", "health checks are called `probes` here"),
    ("environment", "env", "variables are called `env` here"),
    ("ports", "port", "a service has one `port`"),
    ("resources", "limits", "resources are called `limits` here"),
    ("readiness", "ready", "the readiness probe is called `ready` here"),
    ("liveness", "live", "the liveness probe is called `live` here"),
    ("interval", "every", "the interval is called `every` here"),
    ("cron", "schedule", "when a job runs is called `schedule` here"),
    ("cron", "jobs", "what runs on a schedule is called `jobs` here"),
    ("tz", "timezone", "the time zone is called `timezone` here"),
    ("concurrency", "overlap", "whether runs may overlap is called `overlap` here"),
    ("service", "to", "the service is named by `to` here"),
    ("domain", "host", "a domain is called `host` here"),
    ("script", "run", "a command is called `run` here"),
    ("depends_on", "needs", "the stages it waits for are called `needs` here"),
    ("if", "when", "for which runs it is, is called `when` here"),
    ("only", "when", "for which runs it is, is called `when` here"),
    (
        "branches",
        "promote_from",
        "branches are called `branch` here, also several: `branch: [main, \"release/*\"]`",
    ),
    ("reviewers", "approvers", "who may agree is called `approvers` here"),
    ("domains", "routes", "domains belong to `routes`: `routes: [{ host: example.com, to: web }]`"),
];

/// A key that belongs elsewhere, the key that marks the map it was found in, and where it belongs.
const MISPLACED: [(&str, &str, &str); 18] = [
    ("run", "services", "it belongs to a service: `services: { web: { run: … } }`"),
    ("port", "services", "it belongs to a service"),
    ("scale", "services", "it belongs to a service"),
    ("strategy", "services", "it belongs to a service"),
    ("probes", "services", "it belongs to a service"),
    ("limits", "services", "it belongs to a service"),
    ("drain", "services", "it belongs to a service"),
    ("stop", "services", "it belongs to a service"),
    ("routes", "probes", "it belongs to the top level or to an environment"),
    ("host", "probes", "hosts belong to `routes` at the top level"),
    ("build", "probes", "it belongs to the top level: all services run from one build"),
    ("migrate", "probes", "it belongs to the top level"),
    ("memory", "probes", "it belongs to `limits`"),
    ("cpu", "probes", "it belongs to `limits`"),
    ("test", "promote_from", "a build is tested once for all environments; it belongs to the top level"),
    (
        "pipeline",
        "promote_from",
        "it belongs to the top level; `when: { environments: [staging] }` of a stage says where it is for",
    ),
    ("stages", "services", "stages belong to `pipeline`: `pipeline: { stages: { … } }`"),
    ("build", "promote_from", "a build is the same in every environment; it belongs to the top level"),
];

/// What to do about a key that is nearly a word of another tool.
pub(super) fn nearly_called(key: &str, keys: &[&str]) -> Option<&'static str> {
    let words = SYNONYMS.iter().filter(|(_, marker, _)| keys.contains(marker)).map(|(word, _, _)| *word);
    called(crate::nearest::nearest(key, words)?, keys)
}

/// What to do about an unknown key in a map with these keys.
pub(super) fn called(key: &str, keys: &[&str]) -> Option<&'static str> {
    SYNONYMS
        .iter()
        .chain(&MISPLACED)
        .find(|(word, marker, _)| *word == key && keys.contains(marker))
        .map(|(_, _, advice)| *advice)
}
