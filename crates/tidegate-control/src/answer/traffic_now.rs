//! What the gateway last said goes on with requests: who is left out, whose circuit is open, what came of copies. Of one that
//! is not connected nothing is known but what it counted.

use tidegate_core::model::{CountsReport, GatewayObservation, InstanceId, ServiceKey};
use tidegate_core::view::{DoctorFinding, MirrorStatus, OpenCircuit};

use super::named::named;

const LEFT_OUT: &str = "left out for a while because they fail:";
const CIRCUITS_HELP: &str = "its requests are answered 503 until one that may try is answered well";

/// See the module.
#[derive(Clone, Copy, Debug)]
pub(super) struct TrafficNow<'a>(pub(super) &'a GatewayObservation);

impl TrafficNow<'_> {
    /// Whether it is left out for a while because it fails.
    pub(super) fn is_ejected(&self, instance: &InstanceId) -> bool {
        self.counts().is_some_and(|counts| counts.ejected.binary_search(instance).is_ok())
    }

    /// Arms of a service that refuse requests.
    pub(super) fn open_circuits(&self, service: &ServiceKey) -> Vec<OpenCircuit> {
        let upstream = service.to_string();
        let open = self.open().filter(|(name, _)| **name == upstream);
        open.map(|(_, circuit)| circuit).collect()
    }

    /// What came of copies of a service's requests.
    pub(super) fn mirror(&self, service: &ServiceKey) -> Option<MirrorStatus> {
        let upstream = service.to_string();
        let report = self.0.mirrors.iter().find(|report| report.upstream == upstream)?;
        Some(MirrorStatus { counts: report.counts, latest: report.latest.clone() })
    }

    /// What keeps requests from instances, a line each; nothing where nothing does.
    pub(super) fn findings(&self) -> Vec<DoctorFinding> {
        let ejected = self.counts().map_or(&[][..], |counts| &counts.ejected);
        let ejected = ejected.iter().map(|instance| &instance.0);
        let open: Vec<_> =
            self.open().map(|(name, at)| format!("{name} {} {}", at.arm, at.revision)).collect();
        let all = [
            named("traffic", LEFT_OUT, ejected, "`tidegate logs` says what they do"),
            named("traffic", "circuits that are open:", &open, CIRCUITS_HELP),
        ];
        all.into_iter().flatten().collect()
    }

    fn counts(&self) -> Option<&CountsReport> {
        self.0.counts.as_ref().filter(|_| self.0.alive)
    }

    fn open(&self) -> impl Iterator<Item = (&String, OpenCircuit)> {
        let levels = self.counts().map_or(&[][..], |counts| &counts.levels);
        levels.iter().filter(|arm| arm.circuit_open == Some(true)).map(|arm| {
            (&arm.upstream, OpenCircuit { arm: arm.role.as_str().to_owned(), revision: arm.revision })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidegate_core::model::{ArmLevels, ArmRole, MirrorCounts, MirrorReport, RevisionNo};

    fn seen(alive: bool) -> GatewayObservation {
        let level = |upstream: &str, open| ArmLevels {
            upstream: upstream.to_owned(),
            role: ArmRole::Candidate,
            revision: RevisionNo(2),
            circuit_open: open,
            instances: Vec::new(),
        };
        let counts = CountsReport {
            ejected: ["web-1", "web-2"].map(|id| InstanceId(id.to_owned())).to_vec(),
            levels: vec![
                level("shop/prod/web", Some(true)),
                level("shop/prod/cart", Some(false)),
                level("shop/prod/mail", None),
            ],
            ..CountsReport::default()
        };
        let counts_of_copies = MirrorCounts { different: 1, ..MirrorCounts::default() };
        let mirror = MirrorReport {
            upstream: "shop/prod/web".to_owned(),
            counts: counts_of_copies,
            ..MirrorReport::default()
        };
        GatewayObservation {
            alive,
            counts: Some(counts),
            mirrors: vec![mirror],
            ..GatewayObservation::default()
        }
    }

    fn service(service: &str) -> ServiceKey {
        let name = |text: &str| text.parse().unwrap();
        ServiceKey { app: name("shop"), environment: name("prod"), service: name(service) }
    }

    #[test]
    fn each_service_has_its_own() {
        let seen = seen(true);
        let now = TrafficNow(&seen);
        assert!(now.is_ejected(&InstanceId("web-2".to_owned())));
        assert!(!now.is_ejected(&InstanceId("web-3".to_owned())));
        let open = OpenCircuit { arm: "candidate".to_owned(), revision: RevisionNo(2) };
        assert_eq!(now.open_circuits(&service("web")), [open]);
        assert_eq!(now.open_circuits(&service("cart")), []);
        assert_eq!(now.mirror(&service("web")).map(|mirror| mirror.counts.different), Some(1));
        assert_eq!(now.mirror(&service("cart")), None);
    }

    #[test]
    fn doctor_names_who_gets_no_requests() {
        let messages = |seen| TrafficNow(&seen).findings().into_iter().map(|found| found.message).collect();
        let lines: Vec<String> = messages(seen(true));
        assert_eq!(
            lines,
            [
                "left out for a while because they fail: web-1, web-2",
                "circuits that are open: shop/prod/web candidate r2",
            ]
        );
        let lines: Vec<String> = messages(seen(false));
        assert_eq!(lines, [""; 0], "what a gateway that is gone said is not so any more");
    }
}
