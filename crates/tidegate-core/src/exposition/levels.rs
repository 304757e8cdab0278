//! What goes on now: gauges.

use std::collections::BTreeMap;

use super::{Labels, Text, service_labels};
use crate::model::{ArmRole, CountsReport, RevisionNo};

/// An instance in an arm.
type Key<'a> = (&'a str, ArmRole, RevisionNo, &'a str);

/// Of instances that are busy, left out, or were counted before: those have a zero.
pub(super) fn write(text: &mut Text, report: &CountsReport) {
    let mut all: BTreeMap<Key<'_>, (u32, bool)> = BTreeMap::new();
    for row in &report.rows {
        if let Some(instance) = &row.instance {
            all.insert((&row.upstream, row.role, row.revision, &instance.0), (0, false));
        }
    }
    for arm in &report.levels {
        for level in &arm.instances {
            let key = (arm.upstream.as_str(), arm.role, arm.revision, level.instance.0.as_str());
            all.insert(key, (level.inflight, level.ejected));
        }
    }
    const INFLIGHT: &str = "tidegate_instance_inflight";
    text.family(INFLIGHT, "gauge", "Requests in flight on the instance.");
    for (key, (inflight, _)) in &all {
        with_labels(key, |labels| text.sample(INFLIGHT, labels, inflight));
    }
    const EJECTED: &str = "tidegate_instance_ejected";
    text.family(EJECTED, "gauge", "1 while the instance is left out because it fails.");
    for (key, (_, ejected)) in &all {
        with_labels(key, |labels| text.sample(EJECTED, labels, u8::from(*ejected)));
    }
    const CIRCUIT: &str = "tidegate_circuit_open";
    text.family(CIRCUIT, "gauge", "1 while the arm's requests are refused because too many failed.");
    for arm in &report.levels {
        if let Some(open) = arm.circuit_open {
            let revision = arm.revision.to_string();
            text.sample(CIRCUIT, &arm_labels(&arm.upstream, arm.role, &revision), u8::from(open));
        }
    }
}

fn with_labels(key: &Key<'_>, write: impl FnOnce(&Labels<'_>)) {
    let (upstream, role, revision, instance) = *key;
    let revision = revision.to_string();
    let mut labels = arm_labels(upstream, role, &revision);
    labels.push(("instance", instance));
    write(&labels);
}

fn arm_labels<'a>(upstream: &'a str, role: ArmRole, revision: &'a str) -> Labels<'a> {
    let mut labels = service_labels(upstream);
    labels.extend([("arm", role.as_str()), ("revision", revision)]);
    labels
}
