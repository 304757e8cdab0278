//! What `tidegate doctor` says of this machine.

use tidegate_core::units::ByteSize;
use tidegate_core::view::{DoctorFinding, Severity};
use tidegate_os::file::free_bytes;

use super::abilities::Abilities;
use super::cgroup::Metadata;
use super::config::ProcessConfig;

/// Less free room than this is worth a warning: a build or two will not fit.
const LITTLE: u64 = 1 << 30;

/// Looks at the machine without a backend running: control groups, user, room on disk.
pub fn doctor(config: &ProcessConfig) -> Vec<DoctorFinding> {
    if let Err(error) = std::fs::create_dir_all(&config.root) {
        let message = format!("{}: {error}", config.root.display());
        let help = "give Tidegate a data directory it may write to with --data".to_owned();
        return vec![finding(Severity::Error, "disk", message, Some(help))];
    }
    findings(&Abilities::find(config), config)
}

/// The same from what a backend has found already.
pub(super) fn findings(abilities: &Abilities, config: &ProcessConfig) -> Vec<DoctorFinding> {
    let mut found: Vec<DoctorFinding> = limits(abilities);
    found.push(user(abilities, config));
    found.extend(metadata(abilities));
    found.push(disk(config));
    found.sort_by_key(|finding| finding.severity);
    found
}

fn limits(abilities: &Abilities) -> Vec<DoctorFinding> {
    let one = |(controller, fact): (super::cgroup::Controller, Result<String, String>)| {
        let name = controller.as_str();
        match fact {
            Ok(how) => finding(Severity::Ok, "cgroup", format!("{name} limits: {how}"), None),
            Err(why) => {
                let message = format!("{name} limits are not enforced: {why}");
                let help = "run Tidegate where it has a control group of its own: as root, or with \
                            `systemd-run --user --scope -p Delegate=yes tidegate up`";
                finding(Severity::Warning, "cgroup", message, Some(help.to_owned()))
            }
        }
    };
    abilities.cgroups.facts().into_iter().map(one).collect()
}

fn user(abilities: &Abilities, config: &ProcessConfig) -> DoctorFinding {
    if let (Some(user), Some(why)) = (&abilities.user, &abilities.why_no_mounts) {
        let message = format!("instances run as user {}, but see the whole file system: {why}", user.uid);
        let help = "let Tidegate make mount namespaces (CAP_SYS_ADMIN)".to_owned();
        return finding(Severity::Warning, "user", message, Some(help));
    }
    match (&abilities.user, &abilities.why_ourselves) {
        (Some(user), _) => {
            let who = match config.users_of_apps(Some(*user)) {
                Some(range) => format!("each app runs as a user of its own ({range})"),
                None => format!("all apps run as user {}", user.uid),
            };
            let view = match &abilities.why_seen {
                None => "of the file system and of processes of their own",
                Some(_) => "of the file system of their own, and see which processes others run",
            };
            finding(Severity::Ok, "user", format!("{who} with a view {view}"), None)
        }
        (None, why) => {
            let why = why.as_deref().unwrap_or("unknown");
            let message = format!("instances run as the user Tidegate runs as: {why}");
            let help = "run Tidegate as root to have each app run as a user of its own".to_owned();
            finding(Severity::Warning, "user", message, Some(help))
        }
    }
}

/// Nothing where apps are who Tidegate is: they could take any wall down.
fn metadata(abilities: &Abilities) -> Option<DoctorFinding> {
    abilities.user?;
    let (severity, message, help) = match abilities.cgroups.metadata() {
        Metadata::Forbidden => {
            (Severity::Ok, "apps are kept from a cloud's metadata service".to_owned(), None)
        }
        Metadata::Allowed => (
            Severity::Ok,
            "apps may ask a cloud's metadata service for the machine's credentials: --cloud-metadata"
                .to_owned(),
            None,
        ),
        Metadata::Reached(why) => (
            Severity::Warning,
            format!("apps reach the metadata service where the machine is a cloud's: {why}"),
            Some(
                "forbid 169.254.169.254 to them by a firewall, or have it want tokens of its second version"
                    .to_owned(),
            ),
        ),
    };
    Some(finding(severity, "metadata", message, help))
}

fn disk(config: &ProcessConfig) -> DoctorFinding {
    match free_bytes(&config.root) {
        Ok(free) if free >= LITTLE => finding(Severity::Ok, "disk", format!("{} free", ByteSize(free)), None),
        Ok(free) => {
            let help = "make room: a deploy is refused when its build does not fit".to_owned();
            finding(Severity::Warning, "disk", format!("only {} free", ByteSize(free)), Some(help))
        }
        Err(error) => finding(Severity::Error, "disk", format!("{}: {error}", config.root.display()), None),
    }
}

fn finding(severity: Severity, check: &str, message: String, help: Option<String>) -> DoctorFinding {
    DoctorFinding { severity, check: check.to_owned(), message, help }
}
