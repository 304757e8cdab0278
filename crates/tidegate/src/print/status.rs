//! `tidegate status` as text.

use tidegate_core::view::{GatewayStatus, InstanceStatus, RevisionStatus, ServiceStatus, Status};

use super::jobs::job_table;
use super::previews::preview_line;
use super::table::{or_dash, table};
use super::text::harmless;

/// Differences of copies that are shown; the JSON has all.
const MOST_DIFFERENCES: usize = 3;

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
        status.services.iter().map(troubles).collect(),
        status.services.iter().map(copies).collect(),
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
        if instance.ejected { format!("{}, left out", instance.state) } else { instance.state.clone() },
        if instance.files { "files".to_owned() } else { or_dash(instance.port) },
        or_dash(instance.pid),
        instance.restarts.to_string(),
        instance.inflight.to_string(),
    ]
}

fn scaling(service: &ServiceStatus) -> String {
    service.scaling.iter().map(|line| format!("{}: {line}\n", service.name)).collect()
}

/// Who gets no requests, and why.
fn troubles(service: &ServiceStatus) -> String {
    let name = &service.name;
    let out: Vec<&str> = service.instances.iter().filter(|at| at.ejected).map(|at| at.id.as_str()).collect();
    let out = match out.as_slice() {
        [] => String::new(),
        out => format!("{name}: left out for a while because of failures: {}\n", out.join(", ")),
    };
    let open = service.open_circuits.iter();
    let open = open.map(|at| format!("{name}: the circuit of {} {} is open: 503\n", at.arm, at.revision));
    out + &open.collect::<String>()
}

/// What came of copies.
fn copies(service: &ServiceStatus) -> String {
    let Some(mirror) = &service.mirror else { return String::new() };
    let (name, counts) = (&service.name, &mirror.counts);
    let unsent = counts.too_large + counts.incomplete + counts.dropped;
    let rest = [("not compared", counts.alone), ("not sent", unsent)];
    let rest = rest.iter().filter(|(_, count)| *count > 0);
    let rest: String = rest.map(|(what, count)| format!(", {count} {what}")).collect();
    let told = format!(
        "{name}: copies: {} same, {} different, {} failed{rest}\n",
        counts.same, counts.different, counts.failed
    );
    let latest = mirror.latest.iter().rev().take(MOST_DIFFERENCES);
    let latest = latest.map(|one| format!("  {}\n", harmless(&format!("{one}; {}", one.request))));
    told + &latest.collect::<String>()
}

fn waiting(service: &ServiceStatus) -> String {
    service.waiting.iter().map(|reason| format!("{} waits: {reason}\n", service.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{MirrorAnswer, MirrorCounts, MirrorDifference, RevisionNo};
    use tidegate_core::view::{MirrorStatus, OpenCircuit};

    fn service() -> ServiceStatus {
        let instance = |id: &str, ejected| InstanceStatus {
            id: id.to_owned(),
            revision: RevisionNo(1),
            pid: Some(7),
            port: Some(4_000),
            state: "ready".to_owned(),
            restarts: 0,
            inflight: 0,
            ejected,
            files: false,
        };
        ServiceStatus {
            name: "web".to_owned(),
            phase: "idle".to_owned(),
            strategy: "rolling".to_owned(),
            train: None,
            weight: 0,
            stable: Some(RevisionStatus { revision: RevisionNo(1), ready: 2, desired: 2 }),
            candidate: None,
            instances: vec![instance("web-1", false), instance("web-2", true)],
            waiting: Vec::new(),
            urls: Vec::new(),
            scaling: Vec::new(),
            open_circuits: vec![OpenCircuit { arm: "stable".to_owned(), revision: RevisionNo(1) }],
            mirror: None,
        }
    }

    fn said(service: ServiceStatus) -> String {
        status(&Status {
            app: Some("shop".to_owned()),
            environment: Some("prod".to_owned()),
            services: vec![service],
            jobs: Vec::new(),
            migration: None,
            gateway: GatewayStatus::default(),
            preview: None,
            leaving: None,
        })
    }

    #[test]
    fn who_gets_no_requests_is_named() {
        let text = said(service());
        let row = text.lines().find(|line| line.starts_with("web-2")).unwrap();
        assert!(row.contains("ready, left out"), "{text}");
        assert!(text.contains("web: left out for a while because of failures: web-2\n"), "{text}");
        assert!(text.contains("web: the circuit of stable r1 is open: 503\n"), "{text}");
        assert!(!text.contains("copies"), "{text}");
    }

    #[test]
    fn copies_have_their_counts_and_the_latest_that_differ() {
        let answer = |status| MirrorAnswer {
            revision: "r1".to_owned(),
            status,
            bytes: 0,
            whole: true,
            sha256: String::new(),
            latency_ms: 1,
        };
        let difference = |id: u32| MirrorDifference {
            request: id.to_string(),
            method: "GET".to_owned(),
            path: "/price\x1b[2J".to_owned(),
            differs: vec!["status".to_owned()],
            original: answer(200),
            copy: answer(500),
        };
        let counts = MirrorCounts { same: 9, different: 5, dropped: 2, ..MirrorCounts::default() };
        let mirror = Some(MirrorStatus { counts, latest: (1..6).map(difference).collect() });
        let text = said(ServiceStatus { mirror, ..service() });
        let wanted = "web: copies: 9 same, 5 different, 0 failed, 2 not sent\n  GET /price?[2J: 200 to 500 (status); 5\n";
        assert!(text.contains(wanted), "{text}");
        assert_eq!(text.matches("200 to 500").count(), MOST_DIFFERENCES, "{text}");
    }
}
