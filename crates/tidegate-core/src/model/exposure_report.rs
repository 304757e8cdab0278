//! What the gateway tells of the users of experiments: one file a second in its directory, taken by the control plane.

use serde::{Deserialize, Serialize};

use super::FlagKey;

/// The most users of one experiment in one report. Requests of those beyond are counted, and nothing else of them is.
pub const MOST_EXPOSED: usize = 1_000;

/// The folder of the reports, in the gateway's directory.
pub const EXPOSURES: &str = "exposures";

/// Which report, by the name of its file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReportName {
    /// Which gateway.
    pub incarnation: String,
    /// Which of its reports.
    pub serial: u64,
}

/// One second of one gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExposureReport {
    /// Which gateway: another start is another one.
    pub incarnation: String,
    /// Which of its reports: each is higher than the one before.
    pub serial: u64,
    /// What it saw.
    pub experiments: Vec<ExposedUsers>,
}

/// The users of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExposedUsers {
    /// The set: `app/environment`.
    pub set: String,
    /// Its flag.
    pub flag: FlagKey,
    /// The digest of its design, as the gateway was given it.
    pub design: String,
    /// Requests whose users were too many to be told.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub dropped: u64,
    /// Who came.
    pub users: Vec<ExposedUser>,
}

/// One user, and what came of their requests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExposedUser {
    /// Their digest, in hex.
    pub user: String,
    /// What they were given.
    pub variant: String,
    /// When they first were, in that second: milliseconds since the Unix epoch.
    pub at_unix_ms: u64,
    /// Their requests, those included that they broke off.
    pub requests: u32,
    /// Those of them that were answered, well or badly.
    pub answered: u32,
    /// Those of these that were answered badly.
    pub bad: u32,
    /// How long all requests took together, in milliseconds.
    pub latency_ms: f64,
}

impl ReportName {
    /// `4711-00ff-12.json`: the gateway and the number.
    pub fn file_name(&self) -> String {
        format!("{}-{}.json", self.incarnation, self.serial)
    }

    /// The report in a file of this name; `None`: there is none in it.
    pub fn of_file(name: &str) -> Option<Self> {
        let (incarnation, serial) = name.strip_suffix(".json")?.rsplit_once('-')?;
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let good = (1..=64).contains(&incarnation.len()) && plain(incarnation);
        let serial: u64 = serial.parse().ok()?;
        let name_of = ReportName { incarnation: incarnation.to_owned(), serial };
        (good && name_of.file_name() == name).then_some(name_of)
    }
}

impl ExposureReport {
    /// What its file is called.
    pub fn name(&self) -> ReportName {
        ReportName { incarnation: self.incarnation.clone(), serial: self.serial }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_known_by_its_file() {
        let name = ReportName { incarnation: "4711-00ff".to_owned(), serial: 12 };
        assert_eq!(name.file_name(), "4711-00ff-12.json");
        assert_eq!(ReportName::of_file("4711-00ff-12.json"), Some(name));
        for other in
            ["", "12.json", "-12.json", "a-012.json", "a-1", ".a-1.json.7-3", "a/b-1.json", "a-x.json"]
        {
            assert_eq!(ReportName::of_file(other), None, "{other}");
        }
    }
}
