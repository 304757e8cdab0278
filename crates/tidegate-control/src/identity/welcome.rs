//! What whoever starts a control plane is told, before anything of it runs.

use std::path::Path;

use tidegate_core::time::Moment;
use tidegate_os::clock::unix_ms;
use tidegate_store::Store;

use super::text::SecretText;
use super::{IdentityKey, codes};
use crate::answer::store_trouble;
use crate::engine::Time;
use crate::plane::{Refusal, RefusalKind};

/// The key of the store's single values under which the key of digests is known again.
const FINGERPRINT: &str = "identity-key-fingerprint";

/// See the module.
#[derive(Debug, Default)]
pub struct Welcome {
    /// The code that makes the first administrator. It is told this once.
    pub first: Option<SecretText>,
    /// The key of digests is another than before: nobody's token is known any more.
    pub key_changed: bool,
}

/// Looks whether anybody is known yet, and whether the key of a data directory is still the same.
///
/// # Errors
/// Where the key can be neither read nor made, or the store refuses.
pub fn welcome(store: &mut Store, data: &Path) -> Result<Welcome, Refusal> {
    let key = IdentityKey::of(data).map_err(|error| {
        let message = format!("the key of tokens cannot be read or made: {error}");
        Refusal::new(RefusalKind::Environment, "access::key", message)
            .help("see the permissions and free space of the data directory")
    })?;
    // Codes go by the clock on the wall alone.
    looked(store, &key, Time { now: Moment(0), unix_ms: unix_ms() })
}

pub(super) fn looked(store: &mut Store, key: &IdentityKey, time: Time) -> Result<Welcome, Refusal> {
    let (before, now) = (store.meta(FINGERPRINT).map_err(store_trouble)?, key.fingerprint());
    let key_changed = before.as_ref().is_some_and(|before| *before != now);
    if before.as_ref() != Some(&now) {
        store.transaction(|tx| tx.set_meta(FINGERPRINT, &now)).map_err(store_trouble)?;
    }
    Ok(Welcome { first: codes::first(store, key, time)?, key_changed })
}
