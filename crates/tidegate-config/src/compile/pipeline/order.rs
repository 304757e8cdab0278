//! The order of stages: what each waits for, and that it then finds what it needs.

use std::collections::BTreeSet;

use tidegate_core::model::{Name, RunFilter, StageSpec, StageWork};

use super::stage::Draft;
use super::{ROLLOUT, well_known};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::nearest::did_you_mean;
use crate::quote::{list, quote};
use crate::span::Span;

/// The places of the stages that another one waits for, by way of others too.
type Before = BTreeSet<usize>;
/// Whether a stage does a thing of a kind.
type IsKind = fn(&StageWork) -> bool;

/// The stages with what they wait for. `builds`: whether the app has a build command.
pub(super) fn arrange(
    mut drafts: Vec<Draft<'_>>,
    builds: bool,
    findings: &mut Findings<'_>,
) -> Vec<StageSpec> {
    check_once(&drafts, findings);
    let verify = add_verify(&mut drafts);
    let mut before: Vec<Before> = Vec::new();
    let mut stages: Vec<StageSpec> = Vec::new();
    for (at, draft) in drafts.iter().enumerate() {
        let mut needs = needs_of(at, &drafts, findings);
        // A stage that was written to follow smoke tests follows what they lead to.
        if verify
            .is_some_and(|verify| at > verify && draft.needs.is_some() && waits_for_smoke(&needs, &drafts))
        {
            needs.extend(verify);
        }
        let all = needs.iter().flat_map(|need| before[*need].iter().copied().chain([*need])).collect();
        check_before(at, &all, &drafts, builds, findings);
        before.push(all);
        stages.push(spec(draft, needs.iter().map(|need| drafts[*need].name.clone()).collect()));
    }
    stages
}

fn spec(draft: &Draft<'_>, needs: Vec<Name>) -> StageSpec {
    StageSpec {
        name: draft.name.clone(),
        work: draft.work.clone(),
        needs,
        when: draft.when.clone(),
        parallel: draft.parallel,
        timeout: draft.timeout,
    }
}

/// A run builds once, deploys once and finishes its rollouts once.
fn check_once(drafts: &[Draft<'_>], findings: &mut Findings<'_>) {
    let kinds: [(&str, IsKind); 3] = [
        ("build", |work| matches!(work, StageWork::Build)),
        ("deploy", |work| matches!(work, StageWork::Deploy)),
        ("verify", |work| matches!(work, StageWork::Verify)),
    ];
    for (word, is) in kinds {
        let mut of_kind = drafts.iter().filter(|draft| is(&draft.work));
        let (Some(first), Some(second)) = (of_kind.next(), of_kind.next()) else { continue };
        findings.push(
            Diagnostic::error(codes::PIPELINE_ORDER, format!("a pipeline has one `{word}` stage"))
                .at(second.at, "here again")
                .at(first.at, "here first")
                .help("a run goes into one environment; into the next one it is promoted"),
        );
    }
}

/// Where smoke tests hold a rollout and nothing says that it goes on, it goes on after the last of them. Where it was put.
fn add_verify(drafts: &mut Vec<Draft<'_>>) -> Option<usize> {
    let is_smoke = |draft: &Draft<'_>| matches!(draft.work, StageWork::Smoke(_));
    let has_verify = drafts.iter().any(|draft| matches!(draft.work, StageWork::Verify));
    let last = drafts.iter().rposition(is_smoke).filter(|_| !has_verify)?;
    let free = ["verify", "verify-rollout", "verify-live-traffic"].map(well_known);
    let name = free.into_iter().find(|name| drafts.iter().all(|draft| draft.name != *name))?;
    let verify = Draft {
        name,
        at: drafts[last].at,
        work: StageWork::Verify,
        needs: None,
        when: RunFilter::default(),
        parallel: false,
        timeout: ROLLOUT,
    };
    drafts.insert(last + 1, verify);
    Some(last + 1)
}

fn waits_for_smoke(needs: &BTreeSet<usize>, drafts: &[Draft<'_>]) -> bool {
    needs.iter().any(|need| matches!(drafts[*need].work, StageWork::Smoke(_)))
}

/// The places of the stages that this one names, or of the one before it. One that was added waits for every smoke test.
fn needs_of(at: usize, drafts: &[Draft<'_>], findings: &mut Findings<'_>) -> BTreeSet<usize> {
    let draft = &drafts[at];
    let smoke = |(_, other): &(usize, &Draft<'_>)| matches!(other.work, StageWork::Smoke(_));
    let Some(written) = draft.needs else {
        let before = at.checked_sub(1).into_iter();
        return match draft.work {
            StageWork::Verify => {
                before.chain(drafts[..at].iter().enumerate().filter(smoke).map(|(at, _)| at)).collect()
            }
            StageWork::Build
            | StageWork::Steps(_)
            | StageWork::Deploy
            | StageWork::Smoke(_)
            | StageWork::Release(_) => before.collect(),
        };
    };
    let mut needs = BTreeSet::new();
    for name in written {
        match drafts.iter().position(|other| other.name == name.value.0) {
            Some(need) if need < at => drop(needs.insert(need)),
            Some(_) => findings.push(
                Diagnostic::error(
                    codes::PIPELINE_ORDER,
                    format!(
                        "`{}` waits for {}, which does not come before it",
                        draft.name,
                        quote(name.value.0.as_str())
                    ),
                )
                .at(name.span, "comes later")
                .help("write stages in an order in which each names earlier ones"),
            ),
            None => findings.push(unknown_stage(&name.value.0, name.span, drafts)),
        }
    }
    needs
}

fn unknown_stage(name: &Name, at: Span, drafts: &[Draft<'_>]) -> Diagnostic {
    let names = || drafts.iter().map(|draft| draft.name.as_str());
    let meant = did_you_mean(name.as_str(), names());
    Diagnostic::error(codes::PIPELINE_ORDER, format!("there is no stage {}{meant}", quote(name.as_str())))
        .at(at, "unknown stage")
        .help(format!("the stages are {}", list(names())))
}

/// What a stage needs of those before it, by what it does.
fn check_before(at: usize, before: &Before, drafts: &[Draft<'_>], builds: bool, findings: &mut Findings<'_>) {
    let draft = &drafts[at];
    let has = |is: IsKind| before.iter().any(|before| is(&drafts[*before].work));
    let deployed = has(|work| matches!(work, StageWork::Deploy));
    let missing = match draft.work {
        StageWork::Build | StageWork::Steps(_) => None,
        StageWork::Deploy => (builds && !has(|work| matches!(work, StageWork::Build)))
            .then_some(("there is no build to deploy", "let it come after a `build: build` stage")),
        StageWork::Smoke(_) if !deployed => {
            Some(("there is no candidate to ask", "let it come after a `deploy: deploy` stage"))
        }
        StageWork::Verify | StageWork::Release(_) if !deployed => {
            Some(("nothing is deployed before it", "let it come after a `deploy: deploy` stage"))
        }
        StageWork::Smoke(_) => has(|work| matches!(work, StageWork::Verify)).then_some((
            "the candidate has users already",
            "let it come before `verify`; steps that ask what everybody gets need no `smoke`",
        )),
        StageWork::Verify => misses(before, drafts, |work| matches!(work, StageWork::Smoke(_))).then_some((
            "a smoke test is not over by then",
            "let it wait for every stage with `smoke: true`",
        )),
        StageWork::Release(_) => misses(before, drafts, |work| matches!(work, StageWork::Verify))
            .then_some(("the rollouts are not over by then", "let it come after the `verify` stage")),
    };
    if let Some((why, help)) = missing {
        let message = format!("the stage `{}` cannot stand here: {why}", draft.name);
        findings.push(Diagnostic::error(codes::PIPELINE_ORDER, message).at(draft.at, why).help(help));
    }
}

/// Whether there is a stage of a kind that is not among those before.
fn misses(before: &Before, drafts: &[Draft<'_>], is: IsKind) -> bool {
    drafts.iter().enumerate().any(|(at, draft)| is(&draft.work) && !before.contains(&at))
}
