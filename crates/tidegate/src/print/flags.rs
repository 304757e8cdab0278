//! `tidegate flag` and `tidegate release` as text.

use tidegate_core::model::{Guard, ReleaseCause, RevisionNo};
use tidegate_core::view::{FlagHistory, FlagInCode, FlagInGit, FlagView, ReleaseView, ReleasedView};

use super::guard;
use super::table::{or_dash, table};

/// The longest rule that is shown, in characters.
const WIDEST: usize = 200;

/// A line for each flag.
pub fn flags(flags: &[FlagView]) -> String {
    if flags.is_empty() {
        return "there are no flags; they come with `flags:` or `flag_files:` in the manifest\n".to_owned();
    }
    let rows: Vec<_> = flags.iter().map(row).collect();
    table(["FLAG", "CLASS", "OWNER", "STATE", "VERSION", "SINCE", "DEBT", "SERVED"], &rows)
}

fn row(flag: &FlagView) -> [String; 8] {
    let git = flag.git.as_ref();
    let debt: Vec<&str> = flag.debt.iter().map(|debt| debt.kind.as_str()).collect();
    [
        flag.key.clone(),
        or_dash(git.and_then(|git| git.class.as_ref())),
        or_dash(git.and_then(|git| git.owner.as_ref())),
        flag.state.clone(),
        flag.run_time.version.to_string(),
        or_dash(flag.since.as_ref().map(|since| day(since))),
        or_dash(Some(debt.join(", ")).filter(|debt| !debt.is_empty())),
        flag.served.clone(),
    ]
}

/// The day of a moment.
fn day(moment: &str) -> &str {
    moment.split_once('T').map_or(moment, |(day, _)| day)
}

/// Everything about one flag.
pub fn flag(flag: &FlagView) -> String {
    let head = format!("flag {} of {} in {}: {}\n", flag.key, flag.app, flag.environment, flag.state);
    let mut told = vec![("served", flag.served.clone()), ("since", or_dash(flag.since.as_ref()))];
    told.extend(flag.debt.iter().map(|debt| ("debt", debt.says.clone())));
    let facts = facts(&told);
    let git = match &flag.git {
        Some(git) => format!("owned by Git: a commit and a deploy change it\n{}", in_git(git)),
        None => "not defined in Git any more\n".to_owned(),
    };
    let run_time = format!("owned by the run time: a release changes it\n{}", at_run_time(flag));
    let guard = flag.guard.as_ref().map(guard::guard);
    let code = flag.git.as_ref().map(|_| in_code(&flag.code));
    let parts = [Some(format!("{head}{facts}")), Some(git), Some(run_time), guard, code];
    parts.into_iter().flatten().collect::<Vec<_>>().join(
        "
",
    )
}

fn facts(facts: &[(&str, String)]) -> String {
    facts.iter().map(|(name, value)| format!("  {name:<12} {value}\n")).collect()
}

fn in_git(git: &FlagInGit) -> String {
    let variants: Vec<String> =
        git.variants.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let yes_no = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let mut told = vec![
        ("class", or_dash(git.class.as_ref())),
        ("type", or_dash(git.r#type.as_ref())),
        ("owner", or_dash(git.owner.as_ref())),
        ("description", or_dash(git.description.as_ref())),
        ("expires", or_dash(git.expires.as_ref())),
        ("variants", variants.join(", ")),
        ("default", or_dash(git.default.as_ref())),
        ("safe", or_dash(git.safe.as_ref())),
        ("rule", rule(git)),
        ("clients", yes_no(git.clients)),
    ];
    let more = [("metric", git.metric.clone()), ("source", git.source.clone())];
    told.extend(more.into_iter().filter_map(|(name, value)| Some((name, value?))));
    told.extend(git.experiment.as_ref().map(|experiment| ("experiment", cut(&experiment.to_string()))));
    if git.disabled {
        told.push(("state", "DISABLED".to_owned()));
    }
    facts(&told)
}

/// In short, and whether it leaves anybody for what is released.
fn rule(git: &FlagInGit) -> String {
    let written = git.rule.as_ref().map(|rule| cut(&rule.to_string()));
    match (written, git.rules) {
        (Some(rule), _) if git.rule_for_all => {
            format!("{rule} (for everybody: what is released reaches nobody)")
        }
        (Some(rule), _) => rule,
        (None, true) => "yes".to_owned(),
        (None, false) => "none: the same for everybody".to_owned(),
    }
}

/// On one line that can be read.
fn cut(text: &str) -> String {
    if text.chars().count() <= WIDEST {
        return text.to_owned();
    }
    text.chars().take(WIDEST).chain(['…']).collect()
}

fn at_run_time(flag: &FlagView) -> String {
    let at = &flag.run_time;
    let mut told = vec![("version", at.version.to_string()), ("released", at.serving.to_string())];
    if at.experiment {
        told.push(("experiment", "runs: who gets which variant stays as it is".to_owned()));
    }
    if let Some(guard) = &at.guard {
        told.push(("guard", guarded(guard)));
    }
    if let Some(waiting) = &at.waiting {
        let why = waiting.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        told.push((
            "waiting",
            format!("{} (asked by {} at {}{why})", waiting.served, waiting.by, waiting.at),
        ));
    }
    told.push(("last release", at.last.as_ref().map_or_else(|| "none".to_owned(), line)));
    facts(&told)
}

fn guarded(guard: &Guard) -> String {
    let shares: Vec<String> =
        guard.steps.iter().map(|step| format!("{}%", f64::from(step.of.0) / 10_000.0)).collect();
    format!("step {} of {}: {}", guard.step + 1, guard.steps.len(), shares.join(", "))
}

fn in_code(code: &FlagInCode) -> String {
    if code.elsewhere {
        return "its code is elsewhere: nobody looks for it here\n".to_owned();
    }
    let list = |revisions: &[RevisionNo]| {
        let names: Vec<String> = revisions.iter().map(ToString::to_string).collect();
        if names.is_empty() { "no serving revision".to_owned() } else { names.join(", ") }
    };
    facts(&[("mentioned by", list(&code.mentioned)), ("missing in", list(&code.lacking))])
}

fn line(release: &ReleaseView) -> String {
    let why = release.why.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("at {} by {}{}{why}", release.at, release.by, cause(&release.cause))
}

fn cause(cause: &ReleaseCause) -> String {
    match cause {
        ReleaseCause::Asked => String::new(),
        ReleaseCause::RolledBack(to) => format!(" with the way back to {to}"),
        ReleaseCause::Guard => " as its guard".to_owned(),
        ReleaseCause::Ready => " once its code was there".to_owned(),
        ReleaseCause::Scheduled => " at a moment of its schedule".to_owned(),
        ReleaseCause::Undefined => " as its definition went".to_owned(),
        ReleaseCause::Redefined => " as its definition came back".to_owned(),
        ReleaseCause::Waits => " (waits for its code)".to_owned(),
        ReleaseCause::Withdrawn => " (what waited was taken back)".to_owned(),
        ReleaseCause::Archived => " (archived)".to_owned(),
    }
}

/// A line for each release.
pub fn releases(history: &FlagHistory) -> String {
    if history.releases.is_empty() {
        return format!("{} was never released\n", history.key);
    }
    let rows: Vec<_> = history.releases.iter().map(release_row).collect();
    table(["VERSION", "AT", "BY", "FROM", "TO", "WHY"], &rows)
}

fn release_row(release: &ReleaseView) -> [String; 6] {
    [
        release.version.to_string(),
        release.at.clone(),
        format!("{}{}", release.by, cause(&release.cause)),
        release.from.clone(),
        release.to.clone(),
        or_dash(release.why.as_ref()),
    ]
}

/// What `tidegate release` says.
pub fn released(view: &ReleasedView) -> String {
    let warning = view.warning.as_ref().map(|warning| format!("warning: {warning}\n")).unwrap_or_default();
    format!("{}{warning}", outcome(view))
}

fn outcome(view: &ReleasedView) -> String {
    let flag = &view.flag;
    let (key, version) = (&flag.key, flag.run_time.version);
    match view.outcome.as_str() {
        "already" => format!("{key} is served so already, at version {version}: {}\n", flag.served),
        "waiting" => format!(
            "{key} waits until {} no longer serves; until then: {}\n",
            flag.code.lacking.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            flag.served
        ),
        _ => format!("{key} is at version {version}: {}\n", flag.served),
    }
}
