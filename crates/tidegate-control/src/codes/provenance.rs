//! Of builds, what is signed of them, and keys.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "build::unknown",
        "No build, run or revision is known by what was written. A build is known by the beginning of its name, as `tidegate plan` \
         shows it, a run by its number, a revision as `r3`.",
    ),
    (
        "build::not-ready",
        "The files of the build are not there: it is being made, it failed, or it was removed to make room. Its attestation stays.",
    ),
    (
        "provenance::altered-build",
        "The files of the build are not those that were signed when it was built, or its attestation is not one of this installation. A \
         protected environment takes no such build, and starts no instance of it; what runs goes on. `tidegate verify` says what is \
         wrong. Put the files back, or build a new commit; in an emergency `tidegate build admit --break-glass WHY` lets it in as it is.",
    ),
    (
        "provenance::not-attested",
        "Nothing was signed about the build: it is not ready, or it was made by an older version and its files have changed since.",
    ),
    ("provenance::no-sbom", "The list of the build's components is gone, or is not the one that was signed."),
    (
        "provenance::nothing-to-admit",
        "The environment is not protected, or the build is what was signed: it comes in without being let in.",
    ),
    ("provenance::key", "The files of the keys could not be written. The key that signs goes on."),
    (
        "provenance::busy",
        "Several builds are being verified already, one after the other: each is read from its first file to its last.",
    ),
    ("provenance::unavailable", "This server does not answer about builds."),
];
