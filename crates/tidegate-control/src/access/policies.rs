//! The policies in force: those that come with Tidegate and the newest version of the users' own, read once a version.

use std::sync::{Arc, Mutex, PoisonError};

use tidegate_core::access::{PolicyFile, PolicyVersion};
use tidegate_core::event::Event;
use tidegate_core::view::{DoctorFinding, PolicySetView, Severity};
use tidegate_policy::{Mistake, Policies};
use tidegate_store::{Reader, Store};

use crate::answer::{rfc3339, store_trouble};
use crate::engine::Time;
use crate::handle::Handle;
use crate::plane::{Refusal, RefusalKind};

/// The policies of a version, ready to be asked.
#[derive(Debug, Default)]
pub(crate) struct Compiled(Mutex<Option<(u64, Arc<Policies>)>>);

impl Handle {
    /// The policies in force.
    ///
    /// # Errors
    /// Where the users' own cannot be read, after an upgrade say: what they forbid is not known then, so nobody but the owner, about
    /// whom no policy is asked, gets in.
    pub(super) fn compiled(&self, store: &Reader) -> Result<Arc<Policies>, Refusal> {
        let newest = store.newest_policy_version().map_err(store_trouble)?;
        let mut kept = self.policies.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, policies)) = kept.as_ref().filter(|(version, _)| *version == newest) {
            return Ok(policies.clone());
        }
        let policies = Arc::new(read(store, newest)?);
        *kept = Some((newest, policies.clone()));
        Ok(policies)
    }
}

/// The policies in force, for a process that asks once.
pub(super) fn in_force(store: &Reader) -> Result<Policies, Refusal> {
    read(store, store.newest_policy_version().map_err(store_trouble)?)
}

fn read(store: &Reader, newest: u64) -> Result<Policies, Refusal> {
    let set = version(store, newest)?;
    Policies::with(&set.files, &set.enabled).map_err(|_| broken(newest))
}

/// A version; 0: none of the users' own.
fn version(store: &Reader, number: u64) -> Result<PolicyVersion, Refusal> {
    if number == 0 {
        return Ok(PolicyVersion::default());
    }
    store.policy_version(number).map_err(store_trouble)?.ok_or_else(|| {
        let message = format!("there is no version {number} of the policies (any more)");
        Refusal::new(RefusalKind::NotFound, "policy::no-version", message)
            .help("`tidegate policy show` shows the one in force")
    })
}

/// Refuses policies with mistakes in them: all of those at once.
pub(super) fn check(files: &[PolicyFile], enabled: &[String]) -> Result<(), Refusal> {
    Policies::with(files, enabled).map(drop).map_err(|mistakes| {
        let told: Vec<String> = mistakes.iter().map(Mistake::to_string).collect();
        let message = format!("the policies are not taken: {}", told.join("; "));
        Refusal::new(RefusalKind::Invalid, "policy::mistakes", message)
            .help("mend them and look with `tidegate policy check FILE…`; those in force stay as they are")
    })
}

/// Puts policies that were checked in force; the number of their version.
pub(super) fn set(
    store: &mut Store,
    time: Time,
    (files, enabled): (Vec<PolicyFile>, Vec<String>),
    by: String,
) -> Result<u64, Refusal> {
    let version = store.newest_policy_version().map_err(store_trouble)? + 1;
    let (count, optional) = (files.len(), enabled.join(", "));
    let optional = if optional.is_empty() { String::new() } else { format!(", with {optional}") };
    let message = format!("version {version} of the policies is in force: {count} files{optional}, by {by}");
    let new = PolicyVersion { version, files, enabled, by, made_at_unix_ms: time.unix_ms };
    let written = store.transaction(|tx| {
        tx.add_policy_version(&new)?;
        tx.event(&Event::platform("policy.set", message), time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)?;
    Ok(version)
}

/// The policies in force, or those of a version.
pub(super) fn view(store: &Reader, asked: Option<u64>) -> Result<PolicySetView, Refusal> {
    let number = match asked {
        Some(number) => number,
        None => store.newest_policy_version().map_err(store_trouble)?,
    };
    let PolicyVersion { version, files, enabled, by, made_at_unix_ms } = version(store, number)?;
    let (rules, mistakes) = match Policies::with(&files, &enabled) {
        Ok(policies) => (policies.rules().collect(), Vec::new()),
        Err(mistakes) => (Vec::new(), mistakes.iter().map(Mistake::to_string).collect()),
    };
    let at = if version == 0 { String::new() } else { rfc3339(made_at_unix_ms) };
    Ok(PolicySetView { version, by, at, files, enabled, rules, mistakes })
}

/// What `doctor` finds of the policies.
pub(crate) fn finding(store: &Reader) -> Result<DoctorFinding, Refusal> {
    let PolicySetView { version, rules, mistakes, .. } = view(store, None)?;
    let check = "policies".to_owned();
    let Some(first) = mistakes.first() else {
        let own =
            if version == 0 { String::new() } else { format!(", version {version} of your own among them") };
        let message = format!("{} rules are in force{own}", rules.len());
        return Ok(DoctorFinding { severity: Severity::Ok, check, message, help: None });
    };
    let message = format!("{}: nobody but the owner gets in: {first}", broken(version).message);
    let help =
        "mend them, then `tidegate policy set FILE…` by the socket; `tidegate policy show` has their text";
    Ok(DoctorFinding { severity: Severity::Error, check, message, help: Some(help.to_owned()) })
}

fn broken(version: u64) -> Refusal {
    let message = format!("version {version} of the policies cannot be read by this Tidegate");
    Refusal::new(RefusalKind::Environment, "policy::unreadable", message)
        .help("whoever runs this Tidegate sets them anew: `tidegate policy set FILE…`")
}
