//! What `tidegate doctor` says of certificates: what the gateway last wrote down about those it lacks.

use std::path::Path;

use tidegate_core::view::{DoctorFinding, Severity};
use tidegate_gateway::tls::CertificateTrouble;

/// Most hosts that are named.
const MOST: usize = 20;

/// A finding for each host without a certificate; none where the gateway misses none. Names that clients merely asked for
/// are no fault of the machine's: strangers ask for anything.
pub fn findings(gateway: &Path) -> Vec<DoctorFinding> {
    let trouble = CertificateTrouble::read(gateway);
    trouble.failed.iter().take(MOST).map(|(host, failed)| missing(host, failed.times, &failed.why)).collect()
}

fn missing(host: &str, times: u32, why: &str) -> DoctorFinding {
    DoctorFinding {
        severity: Severity::Warning,
        check: "certificates".to_owned(),
        message: format!("{host} has none; making one failed {times} times: {why}"),
        help: Some(
            "it is tried again by itself; see that the name leads here, or put cert.pem and key.pem in place: `tidegate cert list`"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_without_a_certificate_are_named() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(findings(dir.path()), Vec::new());
        let text = r#"{"failed":{"a.test":{"why":"no such name","times":3}},"unknown":{"b.test":9}}"#;
        std::fs::write(dir.path().join("certificates.json"), text).unwrap();
        let found = findings(dir.path());
        assert_eq!((found.len(), found[0].severity), (1, Severity::Warning));
        assert!(found[0].message.contains("a.test") && found[0].message.contains("3 times: no such name"));
    }
}
