//! What `tidegate doctor` says of builds, keys and advisories.

use std::collections::BTreeSet;
use std::path::Path;

use tidegate_core::model::BuildId;
use tidegate_core::sbom::components_of;
use tidegate_core::view::{DoctorFinding, Severity};
use tidegate_store::{Reader, StoreError};

use super::desk::sbom_of;
use super::{Advisories, Keys};

/// More advisories of one environment are not told one by one.
const MOST_TOLD: usize = 10;

/// The key that signs, builds that are not what was signed, and packages with advisories in what serves.
pub fn findings(reader: &Reader, data: &Path, keys: &Keys, advisories: &Advisories) -> Vec<DoctorFinding> {
    found(reader, data, keys, advisories).unwrap_or_else(|error| {
        vec![finding(Severity::Warning, "builds", format!("cannot be looked at: {error}"), None)]
    })
}

fn found(
    reader: &Reader,
    data: &Path,
    keys: &Keys,
    advisories: &Advisories,
) -> Result<Vec<DoctorFinding>, StoreError> {
    let mut all = vec![signing(keys)];
    for (build, altered) in reader.altered_builds()? {
        let message = format!("build {build} is not what was signed: {}", altered.why);
        let help =
            format!("`tidegate verify {build}`; instances of it are not started in protected environments");
        all.push(finding(Severity::Error, "builds", message, Some(help)));
    }
    all.extend(packages(reader, data, keys, advisories)?);
    Ok(all)
}

fn signing(keys: &Keys) -> DoctorFinding {
    let id = keys.current();
    let message = format!("key {} signs what is said of builds", id.get(..12).unwrap_or(&id));
    finding(Severity::Ok, "builds", message, None)
}

/// Of what serves, environment by environment.
fn packages(
    reader: &Reader,
    data: &Path,
    keys: &Keys,
    advisories: &Advisories,
) -> Result<Vec<DoctorFinding>, StoreError> {
    let mut all = Vec::new();
    let mut note = advisories.report(&[]).note;
    for (app, environment) in reader.apps()? {
        let stable = reader.services_of(&app, &environment)?.into_iter().filter_map(|state| state.stable);
        let mut builds: BTreeSet<BuildId> = BTreeSet::new();
        for number in stable.collect::<BTreeSet<_>>() {
            builds.extend(reader.revision(&app, &environment, number)?.map(|revision| revision.spec.build));
        }
        for id in builds {
            let Some((build, attestation)) = reader.build(&id)?.zip(reader.attestation(&id)?) else {
                continue;
            };
            let document = sbom_of(data, &build, &attestation, keys).ok();
            let document = document.and_then(|text| serde_json::from_str(&text).ok());
            let report = advisories.report(&components_of(&document.unwrap_or_default()));
            note = note.or(report.note);
            if report.vulnerable.is_empty() {
                continue;
            }
            let first: Vec<String> =
                report.vulnerable.iter().take(MOST_TOLD).map(ToString::to_string).collect();
            let more = report.vulnerable.len().saturating_sub(MOST_TOLD) + report.more;
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            let message = format!("{app}/{environment} uses {}{more}", first.join(", "));
            let help = "update these packages and their lock files, and deploy".to_owned();
            all.push(finding(Severity::Warning, "packages", message, Some(help)));
        }
    }
    // What is newer than the advisories, and what is merely outdated, nobody here knows.
    let said =
        note.unwrap_or_else(|| "advisories are read; whether packages are outdated is not known".to_owned());
    all.push(finding(Severity::Ok, "packages", said, None));
    Ok(all)
}

fn finding(severity: Severity, check: &str, message: String, help: Option<String>) -> DoctorFinding {
    DoctorFinding { severity, check: check.to_owned(), message, help }
}
