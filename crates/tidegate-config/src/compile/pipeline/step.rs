//! Steps: defaults, names, every matrix written out.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{BesideSpec, Limits, Name, StepSpec};
use tidegate_core::setting::reference::references;
use tidegate_core::time::Millis;

use super::super::service::compile_limits;
use super::STEP;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::quote::quote;
use crate::raw::{ListOf, Named, OneOrMore, RawBeside, RawStep, RawStepMap, StepNetwork};
use crate::span::{Span, Spanned};

const BESIDE: Millis = Millis::seconds(30);
const MOST_STEPS: usize = 100;
const MOST_COMBINATIONS: usize = 50;
/// A command that is a name is cut after so many characters.
const LONGEST_NAME: usize = 60;

/// One combination of a matrix: variables in the order of their names.
type Combination = BTreeMap<String, String>;

/// A step that says no more than its command.
pub(super) fn plain(name: String, run: &str) -> StepSpec {
    StepSpec {
        name,
        run: run.to_owned(),
        env: BTreeMap::new(),
        secrets: Vec::new(),
        timeout: STEP,
        retries: 0,
        cache: Vec::new(),
        artifacts: Vec::new(),
        reports: Vec::new(),
        beside: BTreeMap::new(),
        limits: Limits::default(),
        offline: false,
    }
}

/// The steps of a stage, in their order.
pub(super) fn compile(list: &Spanned<ListOf<RawStep>>, findings: &mut Findings<'_>) -> Vec<StepSpec> {
    if list.value.0.is_empty() {
        findings.push(
            Diagnostic::error(codes::NO_VALUE, "`steps` is an empty list")
                .at(list.key, "nothing in it")
                .help("write the commands, or remove the stage"),
        );
    }
    let mut steps: Vec<StepSpec> = Vec::new();
    let mut named: BTreeMap<String, Span> = BTreeMap::new();
    for raw in &list.value.0 {
        for step in written_out(&raw.value.0, raw.span, findings) {
            steps.push(uniquely_named(step, raw, &mut named, findings));
        }
    }
    if steps.len() > MOST_STEPS {
        let message = format!("the stage has {} steps, and at most {MOST_STEPS} are allowed", steps.len());
        findings.push(
            Diagnostic::error(codes::PIPELINE_STEP, message).at(list.key, "").help("make two stages of it"),
        );
    }
    steps
}

/// The same name twice is a mistake where somebody chose it; the same command twice is not.
fn uniquely_named(
    mut step: StepSpec,
    raw: &Spanned<RawStep>,
    named: &mut BTreeMap<String, Span>,
    findings: &mut Findings<'_>,
) -> StepSpec {
    let Some(first) = named.get(&step.name).copied() else {
        named.insert(step.name.clone(), raw.span);
        return step;
    };
    if let Some(name) = raw.value.0.name.get() {
        findings.push(
            Diagnostic::error(
                codes::PIPELINE_STEP,
                format!("there are two steps called {}", quote(&step.name)),
            )
            .at(name.span, "here again")
            .at(first, "here first")
            .help("give one of them another name"),
        );
        return step;
    }
    let free = (2..).map(|n| format!("{} ({n})", step.name)).find(|name| !named.contains_key(name));
    step.name = free.unwrap_or_default();
    named.insert(step.name.clone(), raw.span);
    step
}

/// One step for each combination of its matrix.
fn written_out(raw: &RawStepMap, at: Span, findings: &mut Findings<'_>) -> Vec<StepSpec> {
    if raw.run.is_absent() {
        findings
            .push(super::super::missing("a step", "run", at).help("write the command: `run: npm run lint`"));
    }
    let Some(run) = raw.run.value() else { return Vec::new() };
    let name = raw.name.value().map_or_else(|| name_of(&run.0), |name| name.0.0.clone());
    check_variables(raw, findings);
    check_references(raw, findings);
    check_network(raw, findings);
    let base = StepSpec { name, ..options(raw, &run.0) };
    let combinations = combinations(raw, findings);
    combinations.into_iter().map(|combination| with(&base, combination)).collect()
}

fn with(base: &StepSpec, combination: Combination) -> StepSpec {
    let mut step = base.clone();
    if !combination.is_empty() {
        let values: Vec<_> = combination.iter().map(|(name, value)| format!("{name} {value}")).collect();
        step.name = format!("{} ({})", base.name, values.join(", "));
    }
    step.env.extend(combination);
    step
}

fn options(raw: &RawStepMap, run: &str) -> StepSpec {
    StepSpec {
        env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
        secrets: texts(raw.secrets.value(), |text| text.0.0.clone()),
        timeout: raw.timeout.value().map_or(STEP, |timeout| timeout.0),
        retries: raw.retries.value().map_or(0, |retries| retries.0),
        cache: texts(raw.cache.value(), |text| text.0.0.clone()),
        artifacts: texts(raw.artifacts.value(), |text| text.0.0.clone()),
        reports: texts(raw.reports.value(), |text| text.0.0.clone()),
        beside: raw.services.value().map(beside).unwrap_or_default(),
        limits: compile_limits(raw.limits.value()),
        offline: raw.network.value().is_some_and(|network| network.0 == StepNetwork::None),
        ..plain(String::new(), run)
    }
}

/// The values without their places, each once.
fn texts<T>(list: Option<&OneOrMore<T>>, text: impl Fn(&T) -> String) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let all = list.map_or(&[][..], |list| &list.0).iter().map(|item| text(&item.value));
    all.filter(|text| seen.insert(text.clone())).collect()
}

fn beside(services: &Named<RawBeside>) -> BTreeMap<Name, BesideSpec> {
    let one = |raw: &RawBeside| {
        Some(BesideSpec {
            run: raw.run.value()?.0.clone(),
            env: raw.env.value().map(|env| env.0.clone()).unwrap_or_default(),
            within: raw.within.value().map_or(BESIDE, |within| within.0),
        })
    };
    services.0.iter().filter_map(|entry| Some((entry.name.clone(), one(entry.value.value()?)?))).collect()
}

/// Every combination, the last variable changing first; one empty one without a matrix.
fn combinations(raw: &RawStepMap, findings: &mut Findings<'_>) -> Vec<Combination> {
    let mut all = vec![Combination::new()];
    let Some(matrix) = raw.matrix.get() else { return all };
    let count = matrix.value.0.values().try_fold(1_usize, |count, values| count.checked_mul(values.0.len()));
    if count.is_none_or(|count| count > MOST_COMBINATIONS) {
        let message = format!("the matrix has more than {MOST_COMBINATIONS} combinations");
        findings.push(
            Diagnostic::error(codes::PIPELINE_STEP, message)
                .at(matrix.key, "")
                .help("make several steps of it"),
        );
        return all;
    }
    for (variable, values) in &matrix.value.0 {
        let values: Vec<String> = texts(Some(values), |value| value.0.clone());
        let with = |combination: &Combination, value: &String| {
            let mut longer = combination.clone();
            longer.insert(variable.0.clone(), value.clone());
            longer
        };
        all = all
            .iter()
            .flat_map(|combination| values.iter().map(move |value| with(combination, value)))
            .collect();
    }
    all
}

/// Who has no network does not reach what runs beside it.
fn check_network(raw: &RawStepMap, findings: &mut Findings<'_>) {
    let network = raw.network.get().filter(|network| network.value.0 == StepNetwork::None);
    let (Some(network), Some(services)) = (network, raw.services.get()) else { return };
    findings.push(
        Diagnostic::error(codes::PIPELINE_STEP, "a step without a network cannot reach its `services`")
            .at(network.key, "no network")
            .at(services.key, "reached by the network")
            .help("leave `network` out, or start what it needs in its own command"),
    );
}

/// A variable has one value: it comes from one place.
fn check_variables(raw: &RawStepMap, findings: &mut Findings<'_>) {
    let mut places: BTreeMap<String, (&str, Span)> = BTreeMap::new();
    let env = raw.env.get().map(|env| (env.key, env.value.0.keys().cloned().collect()));
    let matrix = raw.matrix.get().map(|it| (it.key, it.value.0.keys().map(|name| name.0.clone()).collect()));
    let secrets = raw.secrets.get().map(|it| (it.key, texts(Some(&it.value), |name| name.0.0.clone())));
    let services = raw.services.get().map(|it| {
        let names = it.value.0.iter().flat_map(|entry| BesideSpec::variables(&entry.name));
        (it.key, names.collect::<Vec<String>>())
    });
    for (what, said) in [("env", env), ("matrix", matrix), ("secrets", secrets), ("services", services)] {
        let Some((key, names)) = said else { continue };
        for name in names {
            if let Some((other, first)) = places.insert(name.clone(), (what, key)) {
                let message = format!("{} comes from `{other}` and from `{what}`", quote(&name));
                findings.push(
                    Diagnostic::error(codes::PIPELINE_STEP, message)
                        .at(key, "here again")
                        .at(first, "here first")
                        .help("give the variable one value"),
                );
            }
        }
    }
}

/// What a step gets of secrets it names, and nothing else: its variables are text.
fn check_references(raw: &RawStepMap, findings: &mut Findings<'_>) {
    let Some(env) = raw.env.get() else { return };
    for (name, value) in &env.value.0 {
        if references(value).is_ok_and(|found| !found.is_empty()) {
            let message = format!("the variable {} of a step refers to a secret or a parameter", quote(name));
            findings.push(
                Diagnostic::error(codes::STEP_REFERENCE, message)
                    .at(env.key, "")
                    .help("name the secret: `secrets: [NAME]` gives the step the variable NAME"),
            );
        }
    }
}

/// A command as a name: its first line, cut.
fn name_of(run: &str) -> String {
    let line = run.lines().next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    crate::quote::plain(&line, LONGEST_NAME)
}
