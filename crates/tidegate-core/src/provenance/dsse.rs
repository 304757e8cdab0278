//! The envelope of an attestation: DSSE 1.0.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the payload of an attestation is.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A payload and who signed it. Bytes are in standard base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Envelope {
    /// The statement, its bytes as they were signed.
    pub payload: String,
    /// What it is: [`PAYLOAD_TYPE`].
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The signatures.
    pub signatures: Vec<Signature>,
}

/// A signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Signature {
    /// The key: SHA-256 in hex of its public part (DER of SubjectPublicKeyInfo). A hint, not a proof.
    #[serde(default)]
    pub keyid: String,
    /// Ed25519 over [`pae`].
    pub sig: String,
}

/// What is signed: `"DSSEv1" SP LEN(type) SP type SP LEN(body) SP body`.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    [head.as_bytes(), payload].concat()
}
