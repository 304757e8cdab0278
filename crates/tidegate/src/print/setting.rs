//! `tidegate config`, `tidegate secret`, `tidegate param` as text.

use tidegate_core::setting::Origin;
use tidegate_core::view::{
    ConfigDiff, ConfigVariable, ConfigView, KeyRotated, ParameterList, ParameterView, SecretList, SecretView,
    SettingChanged,
};

use super::table::{or_dash, table};
use super::text::harmless;

/// A line for each variable, then the newest versions.
pub fn config(view: &ConfigView) -> String {
    let row = |variable: &ConfigVariable| {
        let value = variable.value.as_deref().map_or_else(|| "(not shown)".to_owned(), harmless);
        let refers = variable.refers.join(", ");
        let from = match variable.from {
            Origin::Deployed => "deployed",
            Origin::Config => "config",
            Origin::ConfigOverDeployed => "config, over what was deployed",
        };
        let service = or_dash(variable.service.as_deref());
        [service, variable.name.clone(), value, from.to_owned(), refers]
    };
    let rows: Vec<_> = view.variables.iter().map(row).collect();
    let variables = if rows.is_empty() {
        "there are no variables; `tidegate config set NAME=VALUE` sets one\n".to_owned()
    } else {
        table(["SERVICE", "NAME", "VALUE", "FROM", "REFERS TO"], &rows)
    };
    let told = view.history.iter().map(|version| {
        let why =
            if version.why.is_empty() { String::new() } else { format!(" ({})", harmless(&version.why)) };
        let changes = version.changes.join(", ");
        format!("  v{}  {}  {}: {changes}{why}\n", version.version, version.at, harmless(&version.by))
    });
    let history: String = told.collect();
    let head = format!("{}/{}, config v{}\n", view.app, view.environment, view.version);
    if history.is_empty() { head + &variables } else { head + &variables + "versions\n" + &history }
}

/// A line for each difference.
pub fn config_diff(diff: &ConfigDiff) -> String {
    let Some(revision) = &diff.revision else { return "nothing is deployed\n".to_owned() };
    if diff.changes.is_empty() {
        return format!("{revision} has what counts now\n");
    }
    let lines: String = diff.changes.iter().map(|change| format!("~ {}\n", harmless(change))).collect();
    format!("{revision} and what counts now\n{lines}")
}

/// What was changed and what becomes of it.
pub fn setting_changed(changed: &SettingChanged) -> String {
    let mut text = format!("{}\n", changed.what);
    changed.changes.iter().for_each(|change| text.push_str(&format!("  ~ {}\n", harmless(change))));
    for rollout in &changed.rollouts {
        text.push_str(&format!("  {}/{}: {}\n", rollout.app, rollout.environment, rollout.what));
    }
    changed.warnings.iter().for_each(|warning| text.push_str(&format!("warning: {warning}\n")));
    text
}

/// A line for each secret.
pub fn secrets(list: &SecretList) -> String {
    if list.secrets.is_empty() {
        return "there are no secrets; `tidegate secret set NAME < FILE` sets one\n".to_owned();
    }
    let row = |secret: &SecretView| {
        [
            secret.name.clone(),
            secret.environment.clone().unwrap_or_else(|| "(all)".to_owned()),
            format!("v{}", secret.version),
            secret.fingerprint.clone(),
            harmless(&secret.by),
            secret.at.clone(),
            secret.used_by.join(", "),
        ]
    };
    let rows: Vec<_> = list.secrets.iter().map(row).collect();
    table(["NAME", "ENVIRONMENT", "VERSION", "FINGERPRINT", "BY", "AT", "USED BY"], &rows)
}

/// What came of a new key.
pub fn key_rotated(rotated: &KeyRotated) -> String {
    format!("{} values are encrypted with the new key {}…\n", rotated.secrets, rotated.key)
}

/// A line for each parameter.
pub fn parameters(list: &ParameterList) -> String {
    if list.parameters.is_empty() {
        return "there are no parameters; `tidegate param set PATH VALUE` sets one\n".to_owned();
    }
    let row = |one: &ParameterView| {
        let (labels, users) = (one.labels.join(", "), one.used_by.join(", "));
        [one.path.clone(), format!("v{}", one.version), harmless(&one.value), labels, users]
    };
    table(
        ["PATH", "VERSION", "VALUE", "LABELS", "USED BY"],
        &list.parameters.iter().map(row).collect::<Vec<_>>(),
    )
}

/// A line for each version.
pub fn parameter_history(list: &ParameterList) -> String {
    let row = |one: &ParameterView| {
        let labels = one.labels.join(", ");
        [
            format!("v{}", one.version),
            harmless(&one.value),
            labels,
            harmless(&one.by),
            one.at.clone(),
            harmless(&one.why),
        ]
    };
    let rows: Vec<_> = list.parameters.iter().map(row).collect();
    table(["VERSION", "VALUE", "LABELS", "BY", "AT", "WHY"], &rows)
}
