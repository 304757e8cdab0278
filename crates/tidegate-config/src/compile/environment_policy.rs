//! The way into environments: which branches, after which environment, when, with whose consent; and that there is a way.

use std::collections::{BTreeMap, BTreeSet};

use tidegate_core::model::{EnvironmentPolicy, Freeze, FreezeTime, JobSpec, Name, PreviewPolicy, Window};
use tidegate_core::preview::LONGEST_BASE;
use tidegate_core::schedule::instant;
use tidegate_core::time::Millis;

use super::pipeline::unknown_environment;
use super::plan::Plan;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{
    ListOf, NamedEntry, RawEnvironment, RawEnvironmentKeys, RawFreeze, RawManifest, RawPreview, RawWindow,
};
use crate::span::{Span, Spanned};

const PREVIEWS: u32 = 5;
const PREVIEW_STAYS: Millis = Millis::seconds(3 * 86_400);

/// The policies of all environments.
pub(super) fn compile(raw: &RawManifest, findings: &mut Findings<'_>) -> BTreeMap<Name, EnvironmentPolicy> {
    let environments = raw.environments.value().map_or(&[][..], |named| &named.0);
    let readable = environments.iter().filter_map(|entry| Some((entry, &entry.value.value()?.0)));
    let mut policies = BTreeMap::new();
    for (entry, keys) in readable {
        check_source(entry, keys, environments, findings);
        check_consent(keys, findings);
        check_way(keys, findings);
        check_preview(entry, keys, findings);
        policies.insert(entry.name.clone(), policy(keys, findings));
    }
    check_circles(environments, &policies, findings);
    policies
}

/// Where the environment asks for it, its rollouts are judged by a part of what came of the same build in the one before it.
pub(super) fn carry_evidence(keys: &RawEnvironmentKeys, plan: &mut Plan) {
    if keys.carry_evidence.value().is_some_and(|flag| flag.0) {
        let from = keys.promote_from.value().map(|name| name.0.clone());
        plan.services.values_mut().for_each(|service| service.strategy.judge.carries_from.clone_from(&from));
    }
}

fn policy(keys: &RawEnvironmentKeys, findings: &mut Findings<'_>) -> EnvironmentPolicy {
    let branches = keys.branch.value().map_or(&[][..], |branches| &branches.0);
    let approvers = keys.approvers.value().map_or(&[][..], |approvers| &approvers.0);
    EnvironmentPolicy {
        branches: branches.iter().map(|branch| branch.value.0.0.clone()).collect(),
        promote_from: keys.promote_from.value().map(|name| name.0.clone()),
        automatic: keys.automatic.value().is_some_and(|flag| flag.0),
        approvals: keys.approvals.value().map_or(0, |count| count.0),
        approvers: approvers.iter().map(|approver| approver.value.0.0.clone()).collect(),
        protected: keys.protected.value().is_some_and(|flag| flag.0),
        windows: items(keys.windows.value()).filter_map(|window| compile_window(window, findings)).collect(),
        freezes: items(keys.freezes.value()).filter_map(|freeze| compile_freeze(freeze, findings)).collect(),
        preview: keys.preview.value().map(preview),
        notify: super::notify::compile(&keys.notify, findings),
    }
}

fn items<T>(list: Option<&ListOf<T>>) -> impl Iterator<Item = &Spanned<T>> {
    list.map_or(&[][..], |list| &list.0).iter()
}

fn preview(raw: &RawPreview) -> PreviewPolicy {
    PreviewPolicy {
        most: raw.most.value().map_or(PREVIEWS, |most| most.0),
        stays: raw.stays.value().map_or(PREVIEW_STAYS, |stays| stays.0),
    }
}

fn compile_window(window: &Spanned<RawWindow>, findings: &mut Findings<'_>) -> Option<Window> {
    let raw = &window.value;
    for (key, absent) in [("schedule", raw.schedule.is_absent()), ("lasts", raw.lasts.is_absent())] {
        if absent {
            let help = "a window is `{ schedule: \"0 8 * * 1-5\", timezone: Europe/Berlin, lasts: 8h }`";
            findings.push(super::missing("a window", key, window.key).help(help));
        }
    }
    let (lasts, cutoff) = (raw.lasts.get()?, raw.cutoff.value().map_or(Millis::ZERO, |cutoff| cutoff.0));
    if cutoff >= lasts.value.0 {
        let message = "the window is closed before it opens: `cutoff` is as long as it lasts";
        findings.push(
            wrong(message, raw.cutoff.get().map_or(lasts.span, |cutoff| cutoff.span), "cuts all of it off")
                .help("make `cutoff` shorter than `lasts`"),
        );
    }
    let timezone = raw.timezone.value().map_or(JobSpec::TIMEZONE, |zone| zone.0.as_str()).to_owned();
    Some(Window { schedule: raw.schedule.value()?.0.clone(), timezone, lasts: lasts.value.0, cutoff })
}

fn compile_freeze(freeze: &Spanned<RawFreeze>, findings: &mut Findings<'_>) -> Option<Freeze> {
    let raw = &freeze.value;
    let days = !raw.from.is_absent() || !raw.until.is_absent();
    let again = !raw.schedule.is_absent() || !raw.lasts.is_absent();
    let whole = match (days, again) {
        (true, false) => !raw.from.is_absent() && !raw.until.is_absent(),
        (false, true) => !raw.schedule.is_absent() && !raw.lasts.is_absent(),
        (true, true) | (false, false) => false,
    };
    if !whole {
        let help =
            "write `{ from: 2026-12-20, until: 2027-01-05 }`, or `{ schedule: \"0 16 * * 5\", lasts: 3d }`";
        let message = "a freeze is between two days, or a schedule with how long it lasts";
        findings.push(wrong(message, freeze.key, "not one of the two").help(help));
        return None;
    }
    let timezone = raw.timezone.value().map_or(JobSpec::TIMEZONE, |zone| zone.0.as_str());
    let when = if days { between(raw, timezone, findings)? } else { from_schedule(raw, timezone)? };
    Some(Freeze { why: raw.why.value().map(|why| why.0.0.clone()), when })
}

fn between(raw: &RawFreeze, timezone: &str, findings: &mut Findings<'_>) -> Option<FreezeTime> {
    let (from, until) = (raw.from.get()?, raw.until.get()?);
    let from_unix_ms = instant(&from.value.0.0, timezone)?;
    let until_unix_ms = instant(&until.value.0.0, timezone)?;
    if until_unix_ms <= from_unix_ms {
        let help = "`until` is the first day that is not part of it";
        findings.push(
            wrong("the freeze ends before it begins", until.span, "not later")
                .at(from.span, "its beginning")
                .help(help),
        );
    }
    Some(FreezeTime::Between { from_unix_ms, until_unix_ms })
}

fn from_schedule(raw: &RawFreeze, timezone: &str) -> Option<FreezeTime> {
    let (schedule, timezone) = (raw.schedule.value()?.0.clone(), timezone.to_owned());
    let lasts = raw.lasts.value()?.0;
    Some(FreezeTime::Schedule(Window { schedule, timezone, lasts, cutoff: Millis::ZERO }))
}

/// Where its builds come from.
fn check_source(
    entry: &NamedEntry<RawEnvironment>,
    keys: &RawEnvironmentKeys,
    environments: &[NamedEntry<RawEnvironment>],
    findings: &mut Findings<'_>,
) {
    if let Some(from) = keys.promote_from.get() {
        let known = || environments.iter().map(|entry| entry.name.as_str());
        if from.value.0 == entry.name {
            let message = format!("`{}` is promoted from itself", entry.name);
            findings.push(wrong(&message, from.span, "itself").help("name the environment before it"));
        } else if !known().any(|known| known == from.value.0.as_str()) {
            findings.push(unknown_environment(&from.value.0, from.span, known));
        } else if is_preview(environments, &from.value.0) {
            let message =
                format!("`{}` makes environments for branches: nothing is promoted from them", from.value.0);
            findings.push(wrong(&message, from.span, "a preview").help(
                "promote from an environment that a branch is deployed to, like `staging: { branch: main }`",
            ));
        }
    }
    if keys.promote_from.is_absent() {
        check_first(keys, findings);
    }
}

/// That nothing is said of the environment before it, where there is none.
fn check_first(keys: &RawEnvironmentKeys, findings: &mut Findings<'_>) {
    if let Some(automatic) = keys.automatic.get() {
        let message = "`automatic` is about promotion, and there is no `promote_from`";
        findings.push(
            wrong(message, automatic.key, "has no meaning here")
                .help("pushes to `branch` are deployed by themselves; `approvals` asks first"),
        );
    }
    if let Some(carry) = keys.carry_evidence.get() {
        let message =
            "`carry_evidence` is about the environment before this one, and there is no `promote_from`";
        findings.push(
            wrong(message, carry.key, "has no meaning here")
                .help("name the environment whose evidence counts: `promote_from: staging`"),
        );
    }
}

fn is_preview(environments: &[NamedEntry<RawEnvironment>], name: &Name) -> bool {
    let named = environments.iter().find(|entry| entry.name == *name).and_then(|entry| entry.value.value());
    named.is_some_and(|environment| !environment.0.preview.is_absent())
}

/// Who is asked.
fn check_consent(keys: &RawEnvironmentKeys, findings: &mut Findings<'_>) {
    let Some(approvers) = keys.approvers.get() else { return };
    let people: BTreeSet<String> =
        approvers.value.0.iter().map(|approver| approver.value.0.0.to_lowercase()).collect();
    let needed = keys.approvals.value().map_or(0, |count| count.0);
    if needed == 0 {
        findings.push(
            wrong("nobody is asked: `approvers` without `approvals`", approvers.key, "has no effect")
                .help("say how many must agree: `approvals: 1`"),
        );
    } else if (people.len() as u64) < u64::from(needed) {
        let message = format!("{needed} must agree, and {} may", people.len());
        findings.push(
            wrong(&message, approvers.key, "too few").help(
                "name more people; the author of a commit does not count, so one more than `approvals`",
            ),
        );
    }
}

/// That there is a way into it.
fn check_way(keys: &RawEnvironmentKeys, findings: &mut Findings<'_>) {
    let nothing_leads_here = keys.branch.is_absent() && keys.promote_from.is_absent();
    if let Some(protected) = keys.protected.get().filter(|flag| flag.value.0 && nothing_leads_here) {
        findings.push(
            wrong("nothing could ever be deployed here", protected.key, "no way in")
                .help("say what leads here: `branch: main`, or `promote_from: staging`"),
        );
    }
}

/// That previews can be made of it.
fn check_preview(entry: &NamedEntry<RawEnvironment>, keys: &RawEnvironmentKeys, findings: &mut Findings<'_>) {
    let Some(preview) = keys.preview.get() else { return };
    if entry.name.as_str().len() > LONGEST_BASE {
        let message = format!("`{}` is too long a name for previews: a branch has to follow it", entry.name);
        findings.push(
            wrong(&message, entry.key, "too long")
                .help(format!("choose one of at most {LONGEST_BASE} characters, like `preview`")),
        );
    }
    if let Some(protected) = keys.protected.get().filter(|flag| flag.value.0) {
        findings.push(
            wrong(
                "a preview cannot be protected: every branch may change it",
                protected.key,
                "not for a preview",
            )
            .help("remove one of the two"),
        );
    }
    if keys.branch.is_absent() {
        findings.push(
            wrong("a preview is made for branches, and none is named", preview.key, "for which branches?")
                .help("say which: `branch: \"feature/*\"`"),
        );
    }
    if let Some(from) = keys.promote_from.get() {
        findings.push(
            wrong("a preview is made from a branch and not promoted to", from.key, "has no meaning here")
                .help("remove one of the two"),
        );
    }
}

/// That promotion ends somewhere. Each circle is told once, at its first environment.
fn check_circles(
    environments: &[NamedEntry<RawEnvironment>],
    policies: &BTreeMap<Name, EnvironmentPolicy>,
    findings: &mut Findings<'_>,
) {
    let mut told: BTreeSet<&Name> = BTreeSet::new();
    for entry in environments {
        let Some(from) = entry.value.value().and_then(|environment| environment.0.promote_from.get()) else {
            continue;
        };
        let circle = circle(&entry.name, policies);
        if circle.len() < 2 || circle.iter().any(|name| told.contains(name)) {
            continue;
        }
        let names: Vec<String> =
            circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect();
        let message = format!("promotion goes in a circle: {}", names.join(" from "));
        findings.push(
            wrong(&message, from.span, "part of the circle").help("let one of them say `branch` instead"),
        );
        told.extend(circle);
    }
}

/// The environments from one back to itself; empty where the way does not lead back.
fn circle<'p>(start: &Name, policies: &'p BTreeMap<Name, EnvironmentPolicy>) -> Vec<&'p Name> {
    let mut way: Vec<&Name> = Vec::new();
    let mut at = policies.get_key_value(start);
    while let Some((name, policy)) = at {
        if way.contains(&name) {
            return if name == start { way } else { Vec::new() };
        }
        way.push(name);
        at = policy.promote_from.as_ref().and_then(|from| policies.get_key_value(from));
    }
    Vec::new()
}

fn wrong(message: &str, at: Span, label: &str) -> Diagnostic {
    Diagnostic::error(codes::ENVIRONMENT_POLICY, message).at(at, label)
}
