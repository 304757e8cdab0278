//! How a deploy ended, as text.

use tidegate_core::view::{DeployView, DeployedService};

use super::table::{or_dash, table};

/// A line and a table of its services.
pub fn deployed(view: &DeployView) -> String {
    let how = if view.succeeded { "succeeded" } else { "did not succeed" };
    let head = format!(
        "deploy {} of {} to {} {how} in {:.1} s\n",
        view.id, view.app, view.environment, view.seconds
    );
    let rows: Vec<_> = view.services.iter().map(row).collect();
    head + &table(["SERVICE", "PHASE", "REVISION", "ROLLOUT", "WHY"], &rows)
}

fn row(service: &DeployedService) -> [String; 5] {
    [
        service.name.clone(),
        service.phase.clone(),
        service.revision.to_string(),
        or_dash(service.rollout),
        or_dash(service.reason.as_ref()),
    ]
}
