//! Control groups: limits, and a sure way to find and end everything a unit started.
//!
//! Only groups below a `tidegate` group in our own group are ever made or changed. Version 2 is used where it has the
//! controllers, version 1 for those it lacks; where neither can be used, a limit is not enforced, and
//! [`Cgroups::shortcomings`] says so.

mod group;
mod survey;

use std::path::PathBuf;

use tidegate_core::model::{InstanceId, Limits};
use tidegate_os::egress::forbid_metadata;

pub(super) use group::{Group, GroupPlan};
use survey::Survey;

/// A limit that needs a controller of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Controller {
    Memory,
    Cpu,
    Pids,
}

impl Controller {
    const ALL: [Controller; 3] = [Controller::Memory, Controller::Cpu, Controller::Pids];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Controller::Memory => "memory",
            Controller::Cpu => "cpu",
            Controller::Pids => "pids",
        }
    }

    fn asked(self, limits: &Limits) -> bool {
        match self {
            Controller::Memory => limits.memory.is_some(),
            Controller::Cpu => limits.cpu.is_some(),
            Controller::Pids => limits.pids.is_some(),
        }
    }
}

/// What of control groups this process may use.
#[derive(Debug)]
pub(super) struct Cgroups {
    /// The version 2 group units are made in, with the controllers it gives them.
    v2: Option<(PathBuf, Vec<Controller>)>,
    /// The version 1 groups units are made in.
    v1: Vec<(Controller, PathBuf)>,
    /// Why a controller is missing.
    missing: Vec<(Controller, String)>,
    /// Whether units reach a cloud's metadata service.
    metadata: Metadata,
    /// Tells the units of this data directory from another's.
    prefix: String,
}

/// Whether units reach a cloud's metadata service, which gives whoever asks the machine's own credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Metadata {
    /// They do not.
    Forbidden,
    /// They do: that was asked for.
    Allowed,
    /// They do, because of this.
    Reached(String),
}

impl Cgroups {
    /// Looks at the machine and makes the `tidegate` groups.
    pub(super) fn open(prefix: String, metadata: bool) -> Cgroups {
        let survey = Survey::take();
        let v2 = survey.v2();
        let metadata = if metadata { Metadata::Allowed } else { Metadata::forbidden_in(v2.as_ref()) };
        let mut opened = Cgroups { v2, v1: Vec::new(), missing: Vec::new(), metadata, prefix };
        for controller in Controller::ALL {
            if opened.has_v2(controller) {
                continue;
            }
            match survey.v1(controller) {
                Ok(parent) => opened.v1.push((controller, parent)),
                Err(reason) => opened.missing.push((controller, reason)),
            }
        }
        opened
    }

    fn has_v2(&self, controller: Controller) -> bool {
        self.v2.as_ref().is_some_and(|(_, controllers)| controllers.contains(&controller))
    }

    /// The groups of a unit and what is to be written to them.
    pub(super) fn plan(&self, id: &InstanceId, generation: u64, limits: &Limits) -> Vec<GroupPlan> {
        let name = format!("{}-{id}-{generation}", self.prefix);
        let v2 = self.v2.iter().map(|(parent, controllers)| {
            let settings = controllers.iter().flat_map(|controller| group::v2_settings(*controller, limits));
            let no_metadata = self.metadata == Metadata::Forbidden;
            GroupPlan { path: parent.join(&name), settings: settings.collect(), no_metadata }
        });
        let v1 =
            self.v1.iter().filter(|(controller, _)| controller.asked(limits)).map(|(controller, parent)| {
                let settings = group::v1_settings(*controller, limits);
                GroupPlan { path: parent.join(&name), settings, no_metadata: false }
            });
        v2.chain(v1).collect()
    }

    /// Whether units reach a cloud's metadata service.
    pub(super) fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Which of these limits nobody will enforce, and why.
    pub(super) fn shortcomings(&self, limits: &Limits) -> Vec<String> {
        let asked = self.missing.iter().filter(|(controller, _)| controller.asked(limits));
        asked
            .map(|(controller, why)| format!("the {} limit is not enforced: {why}", controller.as_str()))
            .collect()
    }

    /// One line per controller for `doctor`: its name, and where it is used or why not.
    pub(super) fn facts(&self) -> Vec<(Controller, Result<String, String>)> {
        let describe = |controller: Controller| {
            if let Some((_, why)) = self.missing.iter().find(|(missing, _)| *missing == controller) {
                return Err(why.clone());
            }
            let version = if self.has_v2(controller) { "2" } else { "1" };
            Ok(format!("enforced by cgroup version {version}"))
        };
        Controller::ALL.into_iter().map(|controller| (controller, describe(controller))).collect()
    }
}

impl Metadata {
    /// Tried out on a group that nothing is in.
    fn forbidden_in(v2: Option<&(PathBuf, Vec<Controller>)>) -> Metadata {
        let Some((parent, _)) = v2 else {
            return Metadata::Reached("there is no control group of version 2 here".to_owned());
        };
        match survey::on_trial(parent, forbid_metadata) {
            Ok(()) => Metadata::Forbidden,
            Err(error) => Metadata::Reached(error.to_string()),
        }
    }
}
