//! Verifying without an installation: an envelope, a folder and a public key are all there is.

use std::path::Path;

use tidegate_core::provenance::{Envelope, claims_of};
use tidegate_core::view::VerifyView;

use super::{PublicKey, look, opened};

/// Whether a folder is what an attestation says, by a key one trusts. Modes count as far as files may be executed.
pub fn verify_offline(envelope: &Envelope, dir: &Path, key: &PublicKey) -> VerifyView {
    let mut view = VerifyView::default();
    match opened(envelope, std::slice::from_ref(key)) {
        Ok((statement, key)) => {
            view.key = Some(key.id());
            match claims_of(&statement) {
                Ok(claims) => {
                    view.build.clone_from(&claims.build);
                    view.says = Some(claims);
                }
                Err(why) => view.findings.push(format!("the statement {why}")),
            }
        }
        Err(why) => view.findings.push(why),
    }
    match look(dir) {
        Ok(found) => {
            if let Some(says) = view.says.as_ref().filter(|says| says.subject != found.digest) {
                let (subject, there) = (short(&says.subject), short(&found.digest));
                view.findings.push(format!(
                    "the files are not those of the attestation: it is of {subject}…, they are {there}…"
                ));
            }
            (view.entries, view.bytes) = (found.listing.lines().len() as u64, found.bytes);
            view.digest = Some(found.digest);
        }
        Err(error) => view.findings.push(format!("the files cannot be read: {error}")),
    }
    view.genuine = view.findings.is_empty();
    view
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
