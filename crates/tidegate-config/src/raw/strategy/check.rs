//! `checks`: what else is asked about a candidate, by name.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use tidegate_core::check::Places;
use tidegate_core::model::{CheckSource, CheckSpec, Figure, Step, Unreachable};

use crate::codes::{self, Code};
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::{list, quote};
use crate::raw::choice::{Choice, Word};
use crate::raw::command::Command;
use crate::raw::env::check_env_name;
use crate::raw::field::Field;
use crate::raw::flag::Flag;
use crate::raw::list::{Named, NamedEntry};
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::text::{Rule, Text};
use crate::raw::time::{HOUR, Lasting, SECOND};
use crate::raw::whole::Whole;
use crate::span::Span;
use crate::tree::Value;

record! { replaced
    /// What else is asked about the candidate: exactly one of `prometheus`, `http` and `command`.
    #[schemars(
        rename = "StrategyCheck",
        extend("oneOf" = [
            { "required": ["prometheus", "url"] },
            { "required": ["http"] },
            { "required": ["command"] }
        ])
    )]
    RawCheck is "a check" {
        /// A query in PromQL whose answer is one number. `{revision}`, `{stable}`, `{arm}`, `{app}`, `{environment}` and
        /// `{service}` stand for the candidate's.
        prometheus: Text<Query>,
        /// The address of the Prometheus.
        url: Text<CheckUrl>,
        /// A URL to `GET`. `{address}` is host and port of an instance of the candidate.
        http: Text<CheckUrl>,
        /// The status it has to have. Default: any from 200 to 299.
        expect: Whole<200, 599>,
        /// A command, run in the candidate's build and environment, that is to exit with 0. It finds `CHECK_ADDRESS`,
        /// `CHECK_REVISION`, `CHECK_STABLE`, … in its environment.
        command: Command,
        /// The variable of the service's environment that has the bearer token to ask with.
        token: Text<Variable>,
        /// The answer is to be a number of at least this.
        min: Number,
        /// The answer is to be a number of at most this.
        max: Number,
        /// From one question to the next. Default 10s.
        every: Lasting<SECOND, HOUR>,
        /// How long an answer may take. Default 5s, of a command 30s.
        timeout: Lasting<100, { HOUR / 6 }>,
        /// So many bad answers in a row take the candidate back. Default 2.
        failures: Whole<1, 100>,
        /// What it means that there is no answer: `hold` (default) waits, `fail` and `pass` take it as a bad or a good one.
        unreachable: Word<Unreachable>,
        /// Whether it is asked over the whole rollout. Default: unless a step names it.
        guard: Flag,
    }
}

/// Checks by name.
pub(super) type Checks = BTreeMap<String, CheckSpec>;

/// A query.
#[derive(Clone, Debug)]
pub(crate) struct Query(String);

/// Where to ask.
#[derive(Clone, Debug)]
pub(crate) struct CheckUrl(String);

/// The name of a variable with a token.
#[derive(Clone, Debug)]
pub(crate) struct Variable(String);

/// A number with a point, or a share in percent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number(Figure);

impl Choice for Unreachable {
    const WHAT: &'static str = "what no answer means";
    const ALL: &'static [(&'static str, Self)] =
        &[("hold", Unreachable::Hold), ("fail", Unreachable::Fail), ("pass", Unreachable::Pass)];
}

/// The checks; `steps` decide which of them are asked all the time.
pub(super) fn compile(
    checks: &Field<Named<RawCheck>>,
    steps: &[Step],
    findings: &mut Findings<'_>,
) -> Checks {
    let Some(written) = checks.get() else { return Checks::new() };
    let named = &written.value.0;
    if named.len() > CheckSpec::MOST {
        let message = format!("{} checks are more than the {} there may be", named.len(), CheckSpec::MOST);
        findings.push(Diagnostic::error(codes::TOO_MANY, message).at(written.key, ""));
    }
    let at_steps: BTreeSet<&str> = steps.iter().filter_map(name_of).collect();
    let one = |entry: &NamedEntry<RawCheck>, findings: &mut Findings<'_>| {
        let named = at_steps.contains(entry.name.as_str());
        let check = entry.value.get().and_then(|raw| one(&raw.value, entry.key, named, findings))?;
        Some((entry.name.to_string(), check))
    };
    named.iter().filter_map(|entry| one(entry, findings)).collect()
}

/// The names of checks, also of broken ones.
pub(super) fn names(checks: &Field<Named<RawCheck>>) -> BTreeSet<String> {
    let named = checks.value().map_or(&[][..], |named| &named.0);
    named.iter().map(|entry| entry.name.to_string()).collect()
}

fn name_of(step: &Step) -> Option<&str> {
    if let Step::Check { name, .. } = step { Some(name) } else { None }
}

fn one(raw: &RawCheck, at: Span, named: bool, findings: &mut Findings<'_>) -> Option<CheckSpec> {
    check_meaning(raw, at, findings);
    let source = source_of(raw)?;
    let limit = |number: &Field<Number>| number.value().map(|number| number.0);
    let usual = match source {
        CheckSource::Command(_) => CheckSpec::COMMAND_TIMEOUT,
        CheckSource::Prometheus { .. } | CheckSource::Http { .. } => CheckSpec::TIMEOUT,
    };
    let guard = raw.guard.value().map_or(!named, |flag| flag.0);
    if !guard && !named {
        let help = "name it in a step, `check NAME`, or remove `guard: false`";
        findings.push(wrong("nothing ever asks this check", at, "neither a guard nor a step").help(help));
    }
    Some(CheckSpec {
        source,
        min: limit(&raw.min),
        max: limit(&raw.max),
        every: raw.every.value().map_or(CheckSpec::EVERY, |every| every.0),
        timeout: raw.timeout.value().map_or(usual, |timeout| timeout.0),
        failures: raw.failures.value().map_or(CheckSpec::FAILURES, |failures| failures.0),
        unreachable: raw.unreachable.value().map(|word| word.0).unwrap_or_default(),
        guard,
    })
}

fn source_of(raw: &RawCheck) -> Option<CheckSource> {
    let token = raw.token.value().map(|name| name.0.0.clone());
    if let Some(Text(Query(query))) = raw.prometheus.value() {
        let url = raw.url.value()?.0.0.clone();
        return Some(CheckSource::Prometheus { url, query: query.clone(), token });
    }
    if let Some(Text(CheckUrl(url))) = raw.http.value() {
        let expect = raw.expect.value().and_then(|status| u16::try_from(status.0).ok());
        return Some(CheckSource::Http { url: url.clone(), expect, token });
    }
    raw.command.value().map(|command| CheckSource::Command(command.0.clone()))
}

/// One way to ask, and what belongs to it.
fn check_meaning(raw: &RawCheck, at: Span, findings: &mut Findings<'_>) {
    let ways = [key_of(&raw.prometheus), key_of(&raw.http), key_of(&raw.command)];
    let said = ways.iter().flatten().count();
    let broken = [raw.prometheus.is_absent(), raw.http.is_absent(), raw.command.is_absent()];
    if said != 1 {
        // One that is there and wrong was reported.
        if said > 1 || broken == [true; 3] {
            let message = "it is not said in one way what this check asks";
            let help = "write exactly one of `prometheus: QUERY` with `url`, `http: URL` and `command: …`";
            findings.push(wrong(message, at, "").help(help));
        }
        return;
    }
    let [prometheus, http, command] = ways.map(|key| key.is_some());
    let needless = [
        ("url", key_of(&raw.url).filter(|_| !prometheus), "prometheus"),
        ("expect", key_of(&raw.expect).filter(|_| !http), "http"),
        ("token", key_of(&raw.token).filter(|_| command), "prometheus` and `http"),
    ];
    for (key, span, owner) in needless.into_iter().filter_map(|(key, span, owner)| Some((key, span?, owner)))
    {
        findings.push(wrong(format!("`{key}` belongs to `{owner}`"), span, "has no meaning here"));
    }
    if prometheus && raw.url.is_absent() {
        let help = "write where it is: `url: http://127.0.0.1:9090`";
        findings.push(
            wrong("this check does not say which Prometheus it asks", at, "`url` is missing").help(help),
        );
    }
    if let Some(url) = raw.url.get().filter(|url| url.value.0.0.contains('?')) {
        let help =
            "write where its pages begin: `http://127.0.0.1:9090`; what is asked stands in `prometheus`";
        findings.push(wrong("the address of a Prometheus has no query", url.span, "").help(help));
    }
    check_limits(raw, prometheus, at, findings);
}

fn check_limits(raw: &RawCheck, prometheus: bool, at: Span, findings: &mut Findings<'_>) {
    if prometheus && raw.min.is_absent() && raw.max.is_absent() {
        let help = "write what is still good: `max: 0.01`, `min: 5`, or both";
        findings.push(wrong("the number that this check asks for has no limit", at, "").help(help));
    }
    if let (Some(min), Some(max)) = (raw.min.get(), raw.max.get())
        && min.value.0 > max.value.0
    {
        findings.push(wrong("no number is both", max.span, "`max` is less than `min`"));
    }
}

fn key_of<T>(field: &Field<T>) -> Option<Span> {
    field.get().map(|value| value.key)
}

fn wrong(message: impl Into<String>, at: Span, label: &str) -> Diagnostic {
    Diagnostic::error(codes::CHECK_OPTION, message).at(at, label)
}

impl Rule for Query {
    const WHAT: &'static str = "a query";
    const CODE: Code = codes::CHECK_OPTION;
    const PATTERN: &'static str = "\\S";

    fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let clean = !text.is_empty() && text.len() <= 4_000 && !text.contains('\0');
        if clean {
            Ok(Query(text.to_owned()))
        } else {
            Err("write PromQL, at most 4000 characters".to_owned())
        }
    }
}

impl Rule for CheckUrl {
    const WHAT: &'static str = "an address to ask";
    const CODE: Code = codes::BAD_URL;
    const PATTERN: &'static str = "^https?://[^\\s@#]+$";

    fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
        let host = rest.and_then(|rest| rest.split(['/', '?']).next()).unwrap_or_default();
        let clean = text.bytes().all(|b| b.is_ascii_graphic()) && !text.contains(['@', '#', '\\']);
        if host.is_empty() || !clean || text.len() > 2_000 {
            return Err("write `http://` or `https://`, a host and a path, without user and password; a \
                        token has its own key, `token`"
                .to_owned());
        }
        let mut rest = text;
        while let Some((_, behind)) = rest.split_once('{') {
            let (place, after) = behind.split_once('}').unwrap_or((behind, ""));
            if !Places::NAMES.contains(&place) {
                return Err(format!("there is no {}; there are {}", quote(place), list(Places::NAMES)));
            }
            rest = after;
        }
        Ok(CheckUrl(text.to_owned()))
    }
}

impl Rule for Variable {
    const WHAT: &'static str = "the name of a variable";
    const CODE: Code = codes::CHECK_OPTION;
    const PATTERN: &'static str = "^[A-Z_][A-Z0-9_]{0,63}$";
    // It may be the token itself.
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        let shouted = text.len() <= 64 && !text.bytes().any(|b| b.is_ascii_lowercase());
        if shouted && check_env_name(text).is_ok() {
            return Ok(Variable(text.to_owned()));
        }
        Err("write the name of a variable in capitals, like `PROMETHEUS_TOKEN`, and give its value with `--env-file`"
            .to_owned())
    }
}

impl Read for Number {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let text = match &place.node.value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) | Value::Reported => {
                place.report_type("a number like `0.01`", findings);
                return None;
            }
        };
        let percent = text.strip_suffix('%');
        let number = percent.unwrap_or(text).parse::<f64>().ok();
        let number = number.map(|number| if percent.is_some() { number / 100.0 } else { number });
        let figure = number.and_then(Figure::new);
        if figure.is_none() {
            let message = format!("{} is not a number", quote(text));
            findings
                .push(wrong(message, place.node.span, "not a number").help("write one like `0.01`, or `1%`"));
        }
        figure.map(Number)
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "number" }, { "type": "string", "pattern": "^-?[0-9.]+%$" }] })
    }
}
