//! `tidegate doctor` as text.

use tidegate_core::view::{DoctorReport, Severity};

/// A line a finding, worst first, with what can be done about it.
pub fn doctor(report: &DoctorReport) -> String {
    report
        .findings
        .iter()
        .map(|finding| {
            let word = match finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Ok => "ok",
            };
            let help =
                finding.help.as_ref().map_or(String::new(), |help| format!("           help: {help}\n"));
            format!("{word:7}  {}: {}\n{help}", finding.check, finding.message)
        })
        .collect()
}
