//! The file of flags in the gateway's directory: what watched flags need of it. Pure but for reading it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tidegate_core::model::BundleExperiments;

/// Its name.
pub(crate) const FILE: &str = "flags.json";
/// A longer file is refused.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What is served of flags, by app and environment. Who may ask for them from outside is none of the data plane's business.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Bundle {
    /// Higher than that of any before it.
    pub(super) epoch: u64,
    /// Flag files of flagd's format by `app/environment`.
    pub(super) sets: BTreeMap<String, Value>,
    /// Which of their flags are experiments, by set.
    #[serde(default)]
    pub(super) experiments: BTreeMap<String, BundleExperiments>,
}

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    #[error("it cannot be read: {0}")]
    File(#[from] io::Error),
    #[error("it is larger than {LARGEST} bytes")]
    TooLarge,
    #[error("it is no bundle of flags: {0}")]
    Garbled(#[from] serde_json::Error),
}

impl Bundle {
    /// Reads the file; an empty bundle where there is none.
    pub(super) fn read(path: &Path) -> Result<Self, BundleError> {
        match fs::metadata(path) {
            Ok(found) if found.len() > LARGEST => return Err(BundleError::TooLarge),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bundle::default()),
            Err(error) => return Err(error.into()),
        }
        Ok(serde_json::from_slice(&fs::read(path)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_no_flags_and_a_torn_one_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE);
        assert!(Bundle::read(&path).unwrap().sets.is_empty());
        fs::write(&path, r#"{"epoch":3,"sets":{"shop/production":{"flags":{}}},"keys":[],"open":"a/b"}"#)
            .unwrap();
        let bundle = Bundle::read(&path).unwrap();
        assert_eq!((bundle.epoch, bundle.sets.len()), (3, 1));
        fs::write(&path, r#"{"epoch":3,"se"#).unwrap();
        assert!(matches!(Bundle::read(&path), Err(BundleError::Garbled(_))));
    }
}
