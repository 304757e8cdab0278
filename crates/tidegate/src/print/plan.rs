//! `tidegate plan` as text: what would be done, in the order it would happen.

use tidegate_core::judge::words::percent;
use tidegate_core::view::{
    PlanReport, PlannedCode, PlannedExperiment, PlannedFlag, PlannedJob, PlannedRoute, PlannedService,
    PlannedTraffic, PlannedTrain, PlannedWay,
};

use super::table::or_dash;
use super::text::harmless;

/// Build, migration, services, jobs, routes, what to know before; the sums last.
pub fn plan(plan: &PlanReport) -> String {
    let parts = [
        head(plan),
        plan.way.as_ref().map(way).unwrap_or_default(),
        plan.code.as_ref().map(code).unwrap_or_default(),
        plan.services.iter().map(service).collect::<Vec<_>>().join("\n"),
        plan.trains.iter().map(train).collect(),
        plan.jobs.iter().map(job).collect(),
        plan.routes.iter().map(route).collect(),
        plan.flags.iter().map(flag).collect(),
        plan.experiments.iter().map(experiment).collect(),
        plan.settings.iter().map(|change| format!("~ {}\n", harmless(change))).collect(),
        plan.dependencies.as_ref().map(super::provenance::dependencies).unwrap_or_default(),
        plan.warnings.iter().map(|warning| format!("warning: {warning}\n")).collect(),
        sums(plan),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(plan: &PlanReport) -> String {
    let build = match (plan.build_action.as_str(), &plan.build_run) {
        ("reuse", _) => format!("reuse {}", plan.build),
        (_, Some(run)) => format!("make {} by `{run}`", plan.build),
        (_, None) => format!("make {} from the folder as it is", plan.build),
    };
    let revision = if plan.revision_exists { "is there already" } else { "is new" };
    let migrate: String = plan.migrate_steps.iter().map(|step| format!("  migrate   {step}\n")).collect();
    format!(
        "{}/{}\n  build     {build}\n  revision  {} {revision}\n{migrate}",
        plan.app, plan.environment, plan.revision
    )
}

/// How it comes there, what its run does, and what it changes about that.
fn way(way: &PlannedWay) -> String {
    let mut lines = vec![format!("  comes by  {}", way.by)];
    lines.extend((way.approvals > 0).then(|| format!("  approvals {}", way.approvals)));
    lines.extend(way.waits.iter().map(|why| format!("  waits     {}", harmless(why))));
    lines.extend(way.stages.iter().map(|stage| format!("  {:<9} {}", stage.name, harmless(&stage.does))));
    lines.extend(
        way.changes.iter().map(|change| format!("  ~ rule    {}; once it has come there", harmless(change))),
    );
    lines.join("\n") + "\n"
}

/// The commits that come and the files they change.
fn code(code: &PlannedCode) -> String {
    let short = |commit: &str| commit.chars().take(12).collect::<String>();
    let (from, to) = (short(&code.from), short(&code.to));
    if code.from == code.to {
        return format!("= code {to}: what serves now\n");
    }
    let count = code.commits.len() + code.more_commits;
    let mut lines = vec![format!("~ code {from} -> {to}: {}", commits(count))];
    if code.lost_commits > 0 {
        lines.push(format!("    - {} that serve now and are not part of it", commits(code.lost_commits)));
    }
    lines.extend(code.commits.iter().map(|commit| format!("    + {}", harmless(commit))));
    lines.extend((code.more_commits > 0).then(|| format!("    + {} more", code.more_commits)));
    lines.extend(code.files.iter().map(|file| format!("    {}", harmless(file))));
    lines.extend((code.more_files > 0).then(|| format!("    {} more files", code.more_files)));
    lines.join("\n") + "\n"
}

fn commits(count: usize) -> String {
    format!("{count} commit{}", if count == 1 { "" } else { "s" })
}

fn flag(flag: &PlannedFlag) -> String {
    let what = match flag.action.as_str() {
        "add" => "is defined".to_owned(),
        "remove" => "is defined no more".to_owned(),
        "keep" => "is gone from Git; it stays until no serving revision asks for it".to_owned(),
        _ => format!("{} of its definition", flag.changes.join(", ")),
    };
    format!("{} flag {}: {what}\n", sign(&flag.action), flag.key)
}

/// What becomes of an experiment, and below it why.
fn experiment(experiment: &PlannedExperiment) -> String {
    let what = match experiment.action.as_str() {
        "keep" => "goes on",
        "refuse" => "runs, and this deploy will be REFUSED; stop it first, or leave it as it is",
        "remove" => "ends",
        "add" => "begins with its first user",
        _ => "cannot begin",
    };
    let mut lines = vec![format!("{} experiment {}: {what}", sign(&experiment.action), experiment.flag)];
    lines.extend(experiment.message.iter().map(|message| format!("    {message}")));
    lines.extend(experiment.changes.iter().map(|change| format!("    ~ {change}")));
    lines.join("\n") + "\n"
}

/// The sign says what happens: `+` comes, `~` changes, `-` goes, `=` stays.
fn sign(action: &str) -> char {
    match action {
        "create" | "add" => '+',
        "remove" => '-',
        "unchanged" | "keep" => '=',
        _ => '~',
    }
}

fn service(service: &PlannedService) -> String {
    let (before, after) = service.instances;
    let instances = if before == after { format!("{after}") } else { format!("{before} -> {after}") };
    let mut lines = vec![format!("{} service {}: {}", sign(&service.action), service.name, service.action)];
    lines.push(format!("    stable     {}", or_dash(service.stable)));
    lines.push(format!("    instances  {instances}"));
    if service.action != "unchanged" && service.action != "remove" {
        let why = service.strategy_why.as_ref().map_or(String::new(), |why| format!(" ({why})"));
        lines.push(format!("    strategy   {}{why}", service.strategy));
        let lost =
            if service.zero_downtime { "no request is lost" } else { "requests CAN FAIL while it runs" };
        lines.push(format!("    downtime   {lost}"));
        lines.extend(service.traffic.as_ref().map(traffic));
    }
    lines.extend(service.changes.iter().map(|change| format!("    ~ {change}")));
    lines.extend(service.steps.iter().enumerate().map(|(n, step)| format!("    {}. {step}", n + 1)));
    lines.join("\n") + "\n"
}

/// `    traffic    12 requests/s, 0.1 % of them bad, by the newest recorded`
fn traffic(traffic: &PlannedTraffic) -> String {
    let PlannedTraffic { rps, bad_share, .. } = traffic;
    let digits = if *rps >= 10.0 { 0 } else { 2 };
    format!(
        "    traffic    {rps:.digits$} requests/s, {} of them bad, by the newest recorded",
        percent(*bad_share)
    )
}

fn train(train: &PlannedTrain) -> String {
    let mut lines = vec![format!("~ train {}: {} as one\n", train.name, train.services.join(", "))];
    lines.extend(train.steps.iter().enumerate().map(|(n, step)| format!("    {}. {step}\n", n + 1)));
    lines.concat()
}

fn job(job: &PlannedJob) -> String {
    let mut lines = vec![format!("{} job {}: {}\n", sign(&job.action), job.name, job.action)];
    lines.push(format!("    schedule   {}\n", job.schedule));
    lines.extend(job.next.iter().map(|next| format!("    next run   {next}\n")));
    lines.extend(job.changes.iter().map(|change| format!("    ~ {change}\n")));
    lines.concat()
}

fn route(route: &PlannedRoute) -> String {
    let sign = sign(&route.action);
    let to =
        if route.to.is_empty() { "answered by the gateway".to_owned() } else { format!("to {}", route.to) };
    let mut lines = vec![format!("{sign} route {}{} {to}: {}\n", route.host, route.path, route.action)];
    lines.extend(route.changes.iter().map(|change| format!("    ~ {change}\n")));
    lines.concat()
}

fn sums(plan: &PlanReport) -> String {
    let count = |signs: &[char]| plan.services.iter().filter(|s| signs.contains(&sign(&s.action))).count();
    format!(
        "plan: {} to create, {} to roll out, {} to remove, {} unchanged\n",
        count(&['+']),
        count(&['~']),
        count(&['-']),
        count(&['='])
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_becomes_of_an_experiment_is_said_with_its_reason() {
        let planned = |action: &str, message: Option<&str>| PlannedExperiment {
            flag: "cart".to_owned(),
            action: action.to_owned(),
            changes: message.map(|_| "how users are dealt out".to_owned()).into_iter().collect(),
            message: message.map(str::to_owned),
        };
        let refused = experiment(&planned("refuse", Some("90 of 2000 users are counted")));
        assert_eq!(
            refused,
            "~ experiment cart: runs, and this deploy will be REFUSED; stop it first, or leave it as it is\n    \
             90 of 2000 users are counted\n    ~ how users are dealt out\n"
        );
        for (action, line) in [
            ("keep", "= experiment cart: goes on\n"),
            ("remove", "- experiment cart: ends\n"),
            ("add", "+ experiment cart: begins with its first user\n"),
            ("broken", "~ experiment cart: cannot begin\n"),
        ] {
            assert_eq!(experiment(&planned(action, None)), line);
        }
    }
}
