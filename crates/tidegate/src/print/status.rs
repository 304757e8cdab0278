//! `tidegate status` as text.

use tidegate_core::view::{GatewayStatus, InstanceStatus, RevisionStatus, ServiceStatus, Status};

use super::jobs::job_table;
use super::previews::preview_line;
use super::table::{or_dash, table};
use super::text::harmless;

/// Services, then instances, then jobs, then what is waited for.
pub fn status(status: &Status) -> String {
    let gateway = gateway(&status.gateway);
    let (Some(app), Some(environment)) = (&status.app, &status.environment) else {
        return format!("nothing is deployed yet; {gateway}\nnext: `tidegate deploy` in an app's folder\n");
    };
    let services: Vec<_> = status.services.iter().map(service_row).collect();
    let instances: Vec<_> =
        status.services.iter().flat_map(|service| &service.instances).map(instance_row).collect();
    let parts = [
        format!("{app}/{environment}; {gateway}\n"),
        status.preview.as_ref().map_or(String::new(), preview_line),
        status
            .leaving
            .as_ref()
            .map_or(String::new(), |why| format!("it is being taken down: {}\n", harmless(why))),
        table(["SERVICE", "PHASE", "STRATEGY", "STABLE", "CANDIDATE", "WEIGHT", "URL"], &services),
        table(["INSTANCE", "REVISION", "STATE", "PORT", "PID", "RESTARTS", "IN FLIGHT"], &instances),
        status.services.iter().map(scaling).collect(),
        job_table(&status.jobs),
        status.migration.as_ref().map_or(String::new(), |view| format!("migrations: {}\n", view.summary)),
        status.services.iter().map(waiting).collect(),
    ];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What `tidegate scale` says.
pub fn scaled(service: &ServiceStatus, instances: Option<u32>) -> String {
    let wanted = match instances {
        Some(instances) => format!("{instances} wanted"),
        None => "as many as the manifest and the load ask for".to_owned(),
    };
    format!("{}: {wanted}; {} there now\n", service.name, service.instances.len())
}

fn gateway(gateway: &GatewayStatus) -> String {
    match (&gateway.address, gateway.connected) {
        (Some(address), true) => format!("gateway at {address}, epoch {}", gateway.epoch),
        (Some(address), false) => {
            format!("gateway at {address} is NOT CONNECTED, last epoch {}", gateway.epoch)
        }
        (None, _) => "there is NO GATEWAY".to_owned(),
    }
}

fn service_row(service: &ServiceStatus) -> [String; 7] {
    let weight = if service.candidate.is_some() { format!("{}%", service.weight) } else { "-".to_owned() };
    [
        service.name.clone(),
        service.phase.clone(),
        service
            .train
            .as_ref()
            .map_or_else(|| service.strategy.clone(), |train| format!("{}, train {train}", service.strategy)),
        revision(service.stable.as_ref()),
        revision(service.candidate.as_ref()),
        weight,
        service.urls.first().cloned().unwrap_or_else(|| "-".to_owned()),
    ]
}

fn revision(revision: Option<&RevisionStatus>) -> String {
    or_dash(revision.map(|at| format!("{} {}/{} ready", at.revision, at.ready, at.desired)))
}

fn instance_row(instance: &InstanceStatus) -> [String; 7] {
    [
        instance.id.clone(),
        instance.revision.to_string(),
        instance.state.clone(),
        if instance.files { "files".to_owned() } else { or_dash(instance.port) },
        or_dash(instance.pid),
        instance.restarts.to_string(),
        instance.inflight.to_string(),
    ]
}

fn scaling(service: &ServiceStatus) -> String {
    service.scaling.iter().map(|line| format!("{}: {line}\n", service.name)).collect()
}

fn waiting(service: &ServiceStatus) -> String {
    service.waiting.iter().map(|reason| format!("{} waits: {reason}\n", service.name)).collect()
}
