//! `tidegate doctor`.

use std::path::Path;

use tidegate_core::units::ByteSize;
use tidegate_core::view::{DoctorFinding, DoctorReport, Severity};
use tidegate_os::file;

use super::traffic_now::TrafficNow;
use crate::run::State;

/// Below this the disk is too full to deploy to.
pub const LEAST_FREE: u64 = 64 << 20;

/// All findings, worst first.
pub fn doctor(machine: Vec<DoctorFinding>, state: &State, data: &Path) -> DoctorReport {
    // The room on the disk is looked at here, against what a deploy needs.
    let mut findings: Vec<DoctorFinding> =
        machine.into_iter().filter(|finding| finding.check != "disk").collect();
    findings.push(gateway(state));
    findings.extend(TrafficNow(&state.gateway).findings());
    findings.push(disk(data));
    findings.push(store(state));
    findings.sort_by(|a, b| a.severity.cmp(&b.severity).then_with(|| a.check.cmp(&b.check)));
    DoctorReport { findings }
}

fn finding(severity: Severity, check: &str, message: String, help: Option<&str>) -> DoctorFinding {
    DoctorFinding { severity, check: check.to_owned(), message, help: help.map(str::to_owned) }
}

fn gateway(state: &State) -> DoctorFinding {
    let seen = &state.gateway;
    if !seen.alive {
        let help = "it is started again by itself; its log is gateway/gateway.log in the data directory";
        return finding(Severity::Error, "gateway", "the gateway does not answer".to_owned(), Some(help));
    }
    let listen = seen.listen.as_deref().unwrap_or("nowhere");
    finding(Severity::Ok, "gateway", format!("listens on {listen}, routing table {}", seen.acked), None)
}

fn disk(data: &Path) -> DoctorFinding {
    let help = Some("free some space: deploys are refused, what runs goes on");
    match file::free_bytes(data) {
        Ok(free) if free < LEAST_FREE => finding(
            Severity::Error,
            "disk",
            format!("only {} are free at {}", ByteSize(free), data.display()),
            help,
        ),
        Ok(free) => {
            finding(Severity::Ok, "disk", format!("{} are free at {}", ByteSize(free), data.display()), None)
        }
        Err(error) => finding(Severity::Error, "disk", format!("{}: {error}", data.display()), help),
    }
}

fn store(state: &State) -> DoctorFinding {
    match &state.trouble {
        Some(trouble) => finding(
            Severity::Error,
            "store",
            trouble.clone(),
            Some("what runs goes on; it is tried again every second"),
        ),
        None => {
            finding(Severity::Ok, "store", "the last pass of the control loop was whole".to_owned(), None)
        }
    }
}
