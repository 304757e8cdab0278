//! Keys to flags that people make and revoke: checked, then written; the gateway gets the digest with the next writing of its
//! flags. A key is made here and told once: nothing of it is kept but its digest.

use std::fs::File;
use std::io::{self, Read};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use sha2::{Digest, Sha256};
use tidegate_core::event::Event;
use tidegate_core::model::{FlagAccess, FlagAccessKind};
use tidegate_core::view::FlagKeyMade;
use tidegate_store::Reader;

use crate::answer::{flag_key_view, place_of, store_trouble};
use crate::engine::{Time, World};
use crate::plane::{Refusal, RefusalKind, Scope};

/// Keys of one environment.
const MOST: usize = 500;
/// The longest name of a key, in characters.
const LONGEST_NAME: usize = 64;
const SECRET_BYTES: usize = 32;
const ID_BYTES: usize = 4;

/// Makes a key. `by`: who asks, for the timeline.
pub fn create(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    (kind, name, by): (FlagAccessKind, &str, &str),
) -> Result<FlagKeyMade, Refusal> {
    let (app, environment) = place_of(world.store, scope)?;
    let name = checked(name)?;
    let known = world.store.flag_keys_of(&app, &environment).map_err(store_trouble)?;
    if known.len() >= MOST {
        let message = format!("{app} in {environment} has {MOST} keys");
        return Err(Refusal::new(RefusalKind::Conflict, "flag-key::many", message).help(REVOKE));
    }
    if let Some(same) = known.iter().find(|key| key.name == name) {
        let message = format!("{} is called `{name}` already", same.id);
        return Err(Refusal::new(RefusalKind::Conflict, "flag-key::name-taken", message).help(REVOKE));
    }
    let secret = secret(kind).map_err(no_random)?;
    let digest = hex(&Sha256::digest(&secret));
    let id = format!("k{}", random::<ID_BYTES>().map_err(no_random)?);
    let made_at_unix_ms = time.unix_ms;
    let key = FlagAccess { id, app, environment, kind, name, digest, made_at_unix_ms };
    write(world, time, &key, ("flag-key.created", "made", by), |tx| tx.add_flag_key(&key))?;
    Ok(FlagKeyMade { secret, key: flag_key_view(&key) })
}

/// Revokes a key, by its id or its name.
pub fn revoke(
    world: &mut World<'_>,
    time: Time,
    scope: &Scope,
    (which, by): (&str, &str),
) -> Result<FlagAccess, Refusal> {
    let (app, environment) = place_of(world.store, scope)?;
    let known = world.store.flag_keys_of(&app, &environment).map_err(store_trouble)?;
    let Some(key) = known.into_iter().find(|key| key.id == which || key.name == which) else {
        let message = format!("{app} in {environment} has no key `{}`", short(which));
        return Err(Refusal::new(RefusalKind::NotFound, "flag-key::unknown", message)
            .help("`tidegate flag key list` shows them"));
    };
    write(world, time, &key, ("flag-key.revoked", "revoked", by), |tx| {
        tx.remove_flag_key(&key.id).map(drop)
    })?;
    Ok(key)
}

/// The environment whose flags a server key is for. All keys are compared, and each in the same time: how long it takes says nothing.
pub fn scope_of(store: &Reader, key: &str) -> Result<Option<Scope>, Refusal> {
    let digest = hex(&Sha256::digest(key));
    let is_it = |known: &FlagAccess| {
        verify_slices_are_equal(known.digest.as_bytes(), digest.as_bytes()).is_ok()
            && known.kind == FlagAccessKind::Server
    };
    let known = store.flag_keys().map_err(store_trouble)?;
    let found: Vec<&FlagAccess> = known.iter().filter(|known| is_it(known)).collect();
    Ok(found
        .first()
        .map(|key| Scope { app: Some(key.app.clone()), environment: Some(key.environment.clone()) }))
}

const REVOKE: &str = "`tidegate flag key revoke ID` makes room";

fn write(
    world: &mut World<'_>,
    time: Time,
    key: &FlagAccess,
    (kind, done, by): (&str, &str, &str),
    change: impl FnOnce(&tidegate_store::Tx<'_>) -> Result<(), tidegate_store::StoreError>,
) -> Result<(), Refusal> {
    let word = match key.kind {
        FlagAccessKind::Server => "server",
        FlagAccessKind::Client => "client",
    };
    let by = if by.is_empty() { String::new() } else { format!(" by {}", short(by)) };
    let message = format!("the {word} key `{}` ({}) was {done}{by}", key.name, key.id);
    let event = Event::about(key.app.as_str(), key.environment.as_str(), kind, message);
    let known = format!("{} ({word}, `{}`)", key.id, key.name);
    let (before, after) =
        if done == "made" { (None, Some(known.as_str())) } else { (Some(known.as_str()), None) };
    let written = world.store.transaction(|tx| {
        tx.changes(before, after);
        change(tx)?;
        tx.event(&event, time.unix_ms).map(drop)
    });
    written.map_err(store_trouble)
}

fn checked(name: &str) -> Result<String, Refusal> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let message = format!("a key's name is 1 to {LONGEST_NAME} characters on one line");
        return Err(Refusal::new(RefusalKind::Invalid, "flag-key::name", message)
            .help("say what the key is for, like `--name \"web pages\"`"));
    }
    Ok(name.to_owned())
}

/// On one short line.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect()
}

/// One that says what it is, to people and to those who look for keys in what was made public.
fn secret(kind: FlagAccessKind) -> io::Result<String> {
    let kind = match kind {
        FlagAccessKind::Server => "server",
        FlagAccessKind::Client => "client",
    };
    Ok(format!("tidegate-{kind}-{}", random::<SECRET_BYTES>()?))
}

/// Random bytes in hex.
pub(crate) fn random<const BYTES: usize>() -> io::Result<String> {
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn no_random(error: io::Error) -> Refusal {
    Refusal::new(RefusalKind::Environment, "flag-key::random", format!("no random bytes: {error}"))
        .help("see `tidegate doctor`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_never_the_same() {
        let [one, two] = [(); 2].map(|()| secret(FlagAccessKind::Client).unwrap());
        assert!(one.starts_with("tidegate-client-") && one.len() == 16 + 64, "{one}");
        assert_ne!(one, two);
    }

    #[test]
    fn a_server_key_is_for_its_environment_and_a_clients_is_for_none() {
        let mut store = tidegate_store::Store::in_memory().unwrap();
        let key = |id: &str, environment: &str, kind| FlagAccess {
            id: id.to_owned(),
            app: "shop".parse().unwrap(),
            environment: environment.parse().unwrap(),
            kind,
            name: id.to_owned(),
            digest: hex(&Sha256::digest(id)),
            made_at_unix_ms: 0,
        };
        let all = [
            key("k1", "production", FlagAccessKind::Server),
            key("k2", "staging", FlagAccessKind::Server),
            key("k3", "staging", FlagAccessKind::Client),
        ];
        store.transaction(|tx| all.iter().try_for_each(|key| tx.add_flag_key(key))).unwrap();
        let environment = |store: &Reader, text: &str| {
            scope_of(store, text).unwrap().and_then(|scope| scope.environment).map(|name| name.to_string())
        };
        let found = ["k1", "k2", "k3", "k4", ""].map(|text| environment(&store, text));
        assert_eq!(found, [Some("production".to_owned()), Some("staging".to_owned()), None, None, None]);
        store.transaction(|tx| tx.remove_flag_key("k2").map(drop)).unwrap();
        assert_eq!(environment(&store, "k2"), None, "it was revoked");
    }

    #[test]
    fn names_are_short_and_on_one_line() {
        assert_eq!(checked(" web pages ").unwrap(), "web pages");
        for bad in ["", "  ", "a\nb", &"x".repeat(65)] {
            assert_eq!(checked(bad).unwrap_err().code, "flag-key::name", "{bad:?}");
        }
    }

    #[test]
    fn digests_are_what_the_gateway_looks_for() {
        let known = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex(&Sha256::digest("")), known);
    }
}
