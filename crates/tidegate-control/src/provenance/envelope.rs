//! Envelopes: signed here, opened with the public keys one has.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;
use tidegate_core::provenance::{Envelope, PAYLOAD_TYPE, Signature, pae};

use super::sha256;

/// What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// The largest payload, in bytes.
const LARGEST: usize = 4 << 20;
/// The most signatures of an envelope.
const MOST_SIGNATURES: usize = 16;
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    raw: [u8; 32],
}

impl PublicKey {
    /// From its 32 bytes.
    pub(super) fn of_raw(raw: &[u8]) -> Option<Self> {
        Some(PublicKey { raw: raw.try_into().ok()? })
    }

    /// From a SubjectPublicKeyInfo in PEM.
    ///
    /// # Errors
    /// What it is instead: completes a sentence that begins with the file's name.
    pub fn of_pem(text: &str) -> Result<Self, &'static str> {
        let inside = text.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
        let (inside, _) = inside.ok_or("holds no public key in PEM")?;
        let letters: String = inside.split_whitespace().collect();
        let der = STANDARD.decode(letters).map_err(|_| "holds a public key that is damaged")?;
        Self::of_der(&der).ok_or("holds a public key that is none for Ed25519")
    }

    /// From a SubjectPublicKeyInfo.
    pub(super) fn of_der(der: &[u8]) -> Option<Self> {
        Self::of_raw(der.strip_prefix(SPKI.as_slice())?)
    }

    /// What it is known by: SHA-256 in hex of its SubjectPublicKeyInfo.
    pub fn id(&self) -> String {
        sha256(&self.der())
    }

    /// Its SubjectPublicKeyInfo.
    pub(super) fn der(&self) -> Vec<u8> {
        [SPKI.as_slice(), &self.raw].concat()
    }

    /// That in PEM.
    pub fn pem(&self) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(self.der()))
    }

    fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.raw).verify(bytes, signature).is_ok()
    }
}

/// A statement in its envelope.
pub(super) fn sealed(statement: &Value, pair: &Ed25519KeyPair, keyid: &str) -> Envelope {
    let payload = statement.to_string();
    let signature = pair.sign(&pae(PAYLOAD_TYPE, payload.as_bytes()));
    Envelope {
        payload: STANDARD.encode(payload),
        payload_type: PAYLOAD_TYPE.to_owned(),
        signatures: vec![Signature { keyid: keyid.to_owned(), sig: STANDARD.encode(signature) }],
    }
}

/// The statement in an envelope, and the key that signed it. Nothing of the payload is read before that is known.
///
/// # Errors
/// Why it is not to be believed, as a sentence.
pub fn opened(envelope: &Envelope, keys: &[PublicKey]) -> Result<(Value, PublicKey), String> {
    if envelope.payload_type != PAYLOAD_TYPE {
        return Err(format!("the envelope holds another kind of payload than {PAYLOAD_TYPE}"));
    }
    if envelope.payload.len() > LARGEST || envelope.signatures.len() > MOST_SIGNATURES {
        return Err("the envelope is larger than any attestation".to_owned());
    }
    let payload = decoded(&envelope.payload).ok_or("the payload of the envelope is no base64")?;
    let bytes = pae(&envelope.payload_type, &payload);
    let by = |signature: &Signature| {
        let sig = decoded(&signature.sig)?;
        keys.iter().find(|key| key.signed(&bytes, &sig))
    };
    let Some(key) = envelope.signatures.iter().find_map(by) else { return Err(unsigned(envelope, keys)) };
    let statement = serde_json::from_slice(&payload).map_err(|_| "the payload of the envelope is no JSON")?;
    Ok((statement, key.clone()))
}

/// The key's id is a hint: it says what may have happened.
fn unsigned(envelope: &Envelope, keys: &[PublicKey]) -> String {
    let named = |signature: &&Signature| keys.iter().any(|key| key.id() == signature.keyid);
    if envelope.signatures.is_empty() {
        "the attestation is not signed".to_owned()
    } else if envelope.signatures.iter().any(|signature| named(&signature)) {
        "the signature does not fit the attestation: it was changed after it was signed".to_owned()
    } else {
        let key: String =
            envelope.signatures[0].keyid.chars().filter(char::is_ascii_hexdigit).take(12).collect();
        format!("the attestation is signed by another key ({key}…)")
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::KeyPair;
    use serde_json::json;

    use super::*;

    fn pair() -> (Ed25519KeyPair, PublicKey) {
        let pair = Ed25519KeyPair::generate().unwrap();
        let public = PublicKey::of_raw(pair.public_key().as_ref()).unwrap();
        (pair, public)
    }

    #[test]
    fn what_was_signed_opens_with_its_own_key_only() {
        let ((pair, mine), (_, other)) = (self::pair(), self::pair());
        let statement = json!({ "_type": "x" });
        let envelope = sealed(&statement, &pair, &mine.id());
        assert_eq!(opened(&envelope, &[other.clone(), mine.clone()]), Ok((statement, mine.clone())));
        assert!(opened(&envelope, &[other]).unwrap_err().contains("another key"));
        // The id is a hint.
        let unnamed = Envelope {
            signatures: vec![Signature { keyid: String::new(), ..envelope.signatures[0].clone() }],
            ..envelope.clone()
        };
        assert!(opened(&unnamed, std::slice::from_ref(&mine)).is_ok());
        let tampered = Envelope { payload: STANDARD.encode(r#"{"_type":"y"}"#), ..envelope.clone() };
        assert!(opened(&tampered, std::slice::from_ref(&mine)).unwrap_err().contains("changed after"));
        for (bad, why) in [
            (Envelope { payload_type: "text/plain".to_owned(), ..envelope.clone() }, "another kind"),
            (Envelope { signatures: Vec::new(), ..envelope.clone() }, "not signed"),
            (Envelope { payload: "*".to_owned(), ..envelope.clone() }, "no base64"),
            (Envelope { payload: "A".repeat(LARGEST + 1), ..envelope }, "larger"),
        ] {
            let found = opened(&bad, std::slice::from_ref(&mine)).unwrap_err();
            assert!(found.contains(why), "{found}");
        }
    }

    #[test]
    fn a_public_key_reads_back_from_its_pem() {
        let (_, key) = pair();
        assert_eq!(PublicKey::of_pem(&key.pem()), Ok(key.clone()));
        assert_eq!(PublicKey::of_pem(&format!("comment\n{}", key.pem().replace('\n', "\r\n"))), Ok(key));
        assert!(PublicKey::of_pem("x").is_err());
        assert!(PublicKey::of_pem(&format!("{BEGIN}\nAAAA\n{END}")).is_err());
    }
}
