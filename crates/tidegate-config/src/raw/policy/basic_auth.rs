//! `basic_auth`: names and passwords.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use tidegate_core::model::BasicAuth;

use crate::codes::{self, Code};
use crate::findings::Findings;
use crate::raw::entries::Entries;
use crate::raw::fields::required;
use crate::raw::read::{Place, Read};
use crate::raw::record::record;
use crate::raw::text::{Rule, Text};

record! { replaced
    /// HTTP basic authentication.
    #[schemars(rename = "BasicAuth", extend("required" = ["users"]))]
    RawBasicAuthMap is "`basic_auth`" {
        /// Shown by browsers. Default `Restricted`.
        realm: Text<Realm>,
        /// Name to bcrypt hash, as `htpasswd -nB NAME` prints them.
        users: Entries<User, Text<Hash>>,
    }
}

/// A map.
#[derive(Clone, Debug)]
pub(crate) struct RawBasicAuth(pub(crate) BasicAuth);

/// What a browser shows.
#[derive(Clone, Debug)]
pub(crate) struct Realm(String);

/// A user's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct User(String);

/// A bcrypt hash.
#[derive(Clone, Debug)]
pub(crate) struct Hash(String);

const REALM: &str = "Restricted";

/// A check of a password costs two to the power of this; more would let a few requests stop the gateway.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;

impl Rule for Realm {
    const WHAT: &'static str = "a realm";
    const CODE: Code = codes::BAD_TEXT;
    const PATTERN: &'static str = "^[^\"\\\\]{1,128}$";

    fn parse(text: &str) -> Result<Self, String> {
        let fine = |b: u8| (b' '..=b'~').contains(&b) && b != b'"' && b != b'\\';
        if !text.is_empty() && text.len() <= 128 && text.bytes().all(fine) {
            return Ok(Realm(text.to_owned()));
        }
        Err("1 to 128 visible ASCII characters without `\"` and `\\`".to_owned())
    }
}

impl Rule for User {
    const WHAT: &'static str = "a user's name";
    const CODE: Code = codes::BAD_TEXT;
    const PATTERN: &'static str = "^[^:]{1,128}$";

    fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.len() <= 128 && !text.contains(|c: char| c == ':' || c.is_control()) {
            return Ok(User(text.to_owned()));
        }
        Err("1 to 128 characters without `:`".to_owned())
    }
}

impl Rule for Hash {
    const WHAT: &'static str = "a bcrypt hash";
    const CODE: Code = codes::BAD_HASH;
    const PATTERN: &'static str =
        "^\\$2[aby]\\$[0-9]{2}\\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{30}[.CGKOSWaeimquy26]$";
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        let advice = || {
            "passwords are never written here: `htpasswd -nB NAME` asks for one and prints its hash"
                .to_owned()
        };
        let rest = ["$2a$", "$2b$", "$2y$"].iter().find_map(|version| text.strip_prefix(version));
        let (cost, digest) = rest.and_then(|rest| rest.split_once('$')).ok_or_else(advice)?;
        let letters = digest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'/');
        let cost = cost.parse::<u32>().ok().filter(|_| cost.len() == 2);
        match cost.filter(|_| letters && digest.len() == 53) {
            None => Err(advice()),
            Some(_) if !is_whole(digest.as_bytes()) => {
                Err("a character of it is wrong: copy it again, all 60 characters".to_owned())
            }
            Some(cost) if COSTS.contains(&cost) => Ok(Hash(text.to_owned())),
            Some(_) => Err(format!("its cost is to be {} to {}", COSTS.start(), COSTS.end())),
        }
    }
}

/// Whether salt and digest end as they must: their last characters stand for fewer bits than the others, and no hash that
/// was made has any of the rest set.
fn is_whole(digest: &[u8]) -> bool {
    let ends = |at: usize, with: &[u8]| digest.get(at).is_some_and(|last| with.contains(last));
    ends(21, b".Oeu") && ends(52, b".CGKOSWaeimquy26")
}

impl Read for RawBasicAuth {
    fn read(place: &Place<'_>, findings: &mut Findings<'_>) -> Option<Self> {
        let map = RawBasicAuthMap::read(place, findings)?;
        let Entries(users) = required(&map.users, "users", place, findings)?;
        if users.is_empty() && !findings.failed() {
            place.report_empty("users", findings);
        }
        let users = users.into_iter().map(|(User(name), Text(Hash(hash)))| (name, hash)).collect();
        let realm = map.realm.value().map_or_else(|| REALM.to_owned(), |Text(Realm(realm))| realm.clone());
        Some(RawBasicAuth(BasicAuth { realm, users }))
    }
}

impl JsonSchema for RawBasicAuth {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "BasicAuthForms".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<RawBasicAuthMap>()
    }
}
