//! One stage: what it does, and that it says nothing that has no meaning for it.

use std::collections::BTreeMap;

use tidegate_core::model::{Name, RunFilter, StageWork};
use tidegate_core::time::Millis;

use super::{Around, ROLLOUT, STAGE, step};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::raw::{NameText, NamedEntry, RawStage, RawStageMap, RawWhen, StageWord};
use crate::span::{Span, Spanned};

/// A stage on its way: what it waits for is as written.
pub(super) struct Draft<'r> {
    pub(super) name: Name,
    pub(super) at: Span,
    pub(super) work: StageWork,
    pub(super) needs: Option<&'r [Spanned<NameText>]>,
    pub(super) when: RunFilter,
    pub(super) parallel: bool,
    pub(super) timeout: Millis,
}

/// The stage, where it can be understood.
pub(super) fn draft<'r>(
    entry: &'r NamedEntry<RawStage>,
    around: &Around<'_>,
    findings: &mut Findings<'_>,
) -> Option<Draft<'r>> {
    let plain = |work: StageWork| {
        let timeout = default_timeout(&work);
        let (needs, when, parallel) = (None, RunFilter::default(), false);
        Draft { name: entry.name.clone(), at: entry.key, work, needs, when, parallel, timeout }
    };
    match entry.value.value()? {
        RawStage::Word(word) => work_of_word(*word, entry.key, around, findings).map(plain),
        RawStage::Map(map) => {
            let draft = plain(work_of_map(map, entry.key, around, findings)?);
            check_options(map, &draft.work, findings);
            Some(Draft {
                needs: map.needs.value().map(|needs| needs.0.as_slice()),
                when: map.when.value().map(|when| filter(when, around, findings)).unwrap_or_default(),
                parallel: map.parallel.value().is_some_and(|flag| flag.0),
                timeout: map.timeout.value().map_or(draft.timeout, |timeout| timeout.0),
                ..draft
            })
        }
    }
}

fn default_timeout(work: &StageWork) -> Millis {
    match work {
        StageWork::Build | StageWork::Steps(_) | StageWork::Smoke(_) | StageWork::Release(_) => STAGE,
        StageWork::Deploy | StageWork::Verify => ROLLOUT,
    }
}

fn work_of_word(
    word: StageWord,
    at: Span,
    around: &Around<'_>,
    findings: &mut Findings<'_>,
) -> Option<StageWork> {
    let absent = |key: &str, example: &str| {
        Diagnostic::error(codes::PIPELINE_STAGE, format!("a `{key}` stage, and the app has no `{key}`"))
            .at(at, format!("there is no `{key}`"))
            .help(format!("say it at the top level, `{example}`, or remove the stage"))
    };
    match word {
        StageWord::Build if !around.builds => {
            findings.push(absent("build", "build: { run: npm ci && npm run build }"));
            None
        }
        StageWord::Build => Some(StageWork::Build),
        StageWord::Test if !around.tests => {
            findings.push(absent("test", "test: { run: npm test }"));
            None
        }
        StageWord::Test => around.test.clone().map(|test| StageWork::Steps(vec![test])),
        StageWord::Deploy => Some(StageWork::Deploy),
        StageWord::Verify => Some(StageWork::Verify),
    }
}

/// A stage does one thing.
fn work_of_map(
    map: &RawStageMap,
    at: Span,
    around: &Around<'_>,
    findings: &mut Findings<'_>,
) -> Option<StageWork> {
    let smoke = map.smoke.value().is_some_and(|flag| flag.0);
    let things = [
        ("do", map.r#do.get().map(|word| word.key)),
        ("steps", map.steps.get().map(|steps| steps.key)),
        ("release", map.release.get().map(|release| release.key)),
    ];
    let said: Vec<_> = things.iter().filter_map(|(key, at)| Some((*key, (*at)?))).collect();
    match said[..] {
        [("do", key)] if smoke => {
            findings.push(two_things("do", key, at));
            None
        }
        [("do", _)] => work_of_word(map.r#do.value()?.0, at, around, findings),
        [("steps", _)] => {
            let steps = step::compile(map.steps.get()?, findings);
            Some(if smoke { StageWork::Smoke(steps) } else { StageWork::Steps(steps) })
        }
        [("release", key)] if smoke => {
            findings.push(two_things("release", key, at));
            None
        }
        [("release", _)] => {
            let flags = &map.release.value()?.0;
            let flags: BTreeMap<_, _> =
                flags.iter().map(|(key, variant)| (key.clone(), variant.0.clone())).collect();
            Some(StageWork::Release(flags))
        }
        [] => {
            no_thing(map, smoke, at, findings);
            None
        }
        [_, (word, second), ..] => {
            findings.push(two_things(word, second, at));
            None
        }
        [_] => None,
    }
}

/// Nothing is said of what it does; what was said and could not be read has been reported.
fn no_thing(map: &RawStageMap, smoke: bool, at: Span, findings: &mut Findings<'_>) {
    let broken = !(map.r#do.is_absent() && map.steps.is_absent() && map.release.is_absent());
    if broken {
        return;
    }
    let help = match smoke {
        true => "write what to ask: `steps: ['curl -fsS \"$TIDEGATE_CANDIDATE_URL/up\"']`",
        false => "write `steps`, `release`, or `do: build`, `do: deploy`, …",
    };
    findings.push(
        Diagnostic::error(codes::PIPELINE_STAGE, "the stage does nothing").at(at, "does nothing").help(help),
    );
}

fn two_things(word: &str, second: Span, at: Span) -> Diagnostic {
    Diagnostic::error(codes::PIPELINE_STAGE, format!("a stage does one thing, and `{word}` is a second"))
        .at(second, "a second thing")
        .at(at, "this stage")
        .help("make two stages of it")
}

/// What belongs to steps has no meaning elsewhere; and builds and deploys are not left out.
fn check_options(map: &RawStageMap, work: &StageWork, findings: &mut Findings<'_>) {
    let (kind, has_steps) = match work {
        StageWork::Steps(_) | StageWork::Smoke(_) => return,
        StageWork::Build => ("build", false),
        StageWork::Deploy => ("deploy", false),
        StageWork::Verify => ("verify", false),
        StageWork::Release(_) => ("release", true),
    };
    let parallel = map.parallel.get().map(|flag| (flag.key, "parallel", "it has no steps: remove it"));
    let when = map.when.get().filter(|_| !has_steps).map(|when| {
        let help = "which branches come to which environment is said by `branch` of the environment";
        (when.key, "when", help)
    });
    for (key, option, help) in [parallel, when].into_iter().flatten() {
        let message = format!("`{option}` has no meaning for a `{kind}` stage");
        findings.push(
            Diagnostic::error(codes::PIPELINE_STAGE, message).at(key, "has no meaning here").help(help),
        );
    }
}

fn filter(when: &RawWhen, around: &Around<'_>, findings: &mut Findings<'_>) -> RunFilter {
    let branches = when.branches.value().map_or(&[][..], |branches| &branches.0);
    let environments = when.environments.value().map_or(&[][..], |names| &names.0);
    for name in environments {
        let known = || around.environments.iter().map(|entry| entry.name.as_str());
        if !around.environments.is_empty() && !known().any(|known| known == name.value.0.as_str()) {
            findings.push(unknown_environment(&name.value.0, name.span, known));
        }
    }
    RunFilter {
        branches: branches.iter().map(|branch| branch.value.0.0.clone()).collect(),
        environments: environments.iter().map(|name| name.value.0.clone()).collect(),
    }
}

/// The report of an environment that is not declared.
pub(in crate::compile) fn unknown_environment<'n, I: Iterator<Item = &'n str>>(
    name: &Name,
    at: Span,
    known: impl Fn() -> I,
) -> Diagnostic {
    let meant = did_you_mean(name.as_str(), known());
    let message = format!("the environment {} is not declared{meant}", quote(name.as_str()));
    Diagnostic::error(codes::UNKNOWN_ENVIRONMENT, message)
        .at(at, "not declared")
        .help(format!("`environments` declares {}", list(known())))
}
