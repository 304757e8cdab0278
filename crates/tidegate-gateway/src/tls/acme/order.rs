//! One order: show that the host is ours, ask for the certificate, fetch it.

use std::sync::Arc;
use std::time::Duration;

use instant_acme::{
    Account, AuthorizationHandle, AuthorizationStatus, ChallengeHandle, ChallengeType, Identifier, NewOrder,
    Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;

use super::{AcmeChallenge, AcmeError};
use crate::tls::challenges::{Challenges, Opened};

/// An authority may look from several places, one after another.
const PATIENCE: RetryPolicy = RetryPolicy::new()
    .initial_delay(Duration::from_millis(250))
    .backoff(1.5)
    .timeout(Duration::from_secs(90));

/// Chain and key, as PEM.
pub(super) async fn run(
    account: &Account,
    host: &str,
    kinds: &[AcmeChallenge],
    challenges: &Arc<Challenges>,
) -> Result<(String, String), AcmeError> {
    let names = [Identifier::Dns(host.to_owned())];
    let mut order = account.new_order(&NewOrder::new(&names)).await?;
    // Answered until the authority has looked.
    let answered = show(&mut order, host, kinds, challenges).await?;
    let status = order.poll_ready(&PATIENCE).await?;
    if !matches!(status, OrderStatus::Ready | OrderStatus::Valid) {
        return Err(AcmeError::NotShown(why(&mut order).await));
    }
    drop(answered);
    let key = KeyPair::generate().map_err(request)?;
    order.finalize_csr(&signing_request(host, &key)?).await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok((chain, key.serialize_pem()))
}

async fn show(
    order: &mut Order,
    host: &str,
    kinds: &[AcmeChallenge],
    challenges: &Arc<Challenges>,
) -> Result<Vec<Opened>, AcmeError> {
    let mut answered = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let kind = offered(&authorization, kinds).ok_or(AcmeError::NoChallenge)?;
        let mut challenge = authorization.challenge(wire(kind)).ok_or(AcmeError::NoChallenge)?;
        answered.push(open(kind, host, &challenge, challenges)?);
        challenge.set_ready().await?;
    }
    Ok(answered)
}

fn offered(authorization: &AuthorizationHandle<'_>, kinds: &[AcmeChallenge]) -> Option<AcmeChallenge> {
    let there = |kind| authorization.challenges.iter().any(|challenge| challenge.r#type == wire(kind));
    kinds.iter().copied().find(|kind| there(*kind))
}

const fn wire(kind: AcmeChallenge) -> ChallengeType {
    match kind {
        AcmeChallenge::Http01 => ChallengeType::Http01,
        AcmeChallenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
    }
}

fn open(
    kind: AcmeChallenge,
    host: &str,
    challenge: &ChallengeHandle<'_>,
    challenges: &Arc<Challenges>,
) -> Result<Opened, AcmeError> {
    let shown = challenge.key_authorization();
    Ok(match kind {
        AcmeChallenge::Http01 => challenges.open_http(&challenge.token, shown.as_str()),
        AcmeChallenge::TlsAlpn01 => challenges.open_tls(host, certificate(host, shown.digest().as_ref())?),
    })
}

/// Self-signed, with the digest in an extension (RFC 8737, 3).
fn certificate(host: &str, digest: &[u8]) -> Result<Arc<CertifiedKey>, AcmeError> {
    let key = KeyPair::generate().map_err(request)?;
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(request)?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let made = params.self_signed(&key).map_err(request)?;
    let der = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der());
    let signer = any_supported_type(&der.into()).map_err(|error| AcmeError::Request(error.to_string()))?;
    // Not looked over: the extension is critical, and of no kind that checks of certificates know.
    Ok(Arc::new(CertifiedKey::new(vec![made.der().clone()], signer)))
}

fn signing_request(host: &str, key: &KeyPair) -> Result<Vec<u8>, AcmeError> {
    let mut params = CertificateParams::new(vec![host.to_owned()]).map_err(request)?;
    params.distinguished_name = DistinguishedName::new();
    Ok(params.serialize_request(key).map_err(request)?.der().to_vec())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` wants")]
fn request(error: rcgen::Error) -> AcmeError {
    AcmeError::Request(error.to_string())
}

/// What the authority says about the challenges that failed.
async fn why(order: &mut Order) -> String {
    let mut said = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(authorization)) = authorizations.next().await {
        let errors = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        said.extend(errors.map(ToString::to_string));
    }
    if said.is_empty() { "it gave no reason".to_owned() } else { said.join("; ") }
}
