//! One database, read whole: a file that is changed or cut off under a running gateway changes nothing in memory.

use std::fs::File;
use std::io::{self, Read};
use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

use super::whereabouts::{Code, Whereabouts};

/// Larger than any database of cities there is.
const LARGEST: u64 = 512 * 1024 * 1024;

/// Why a file is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DatabaseError {
    #[error(transparent)]
    File(#[from] io::Error),
    #[error("it is larger than {} MiB", LARGEST >> 20)]
    TooLarge,
    #[error("it is no database in MaxMind's format: {0}")]
    Format(#[from] MaxMindDbError),
    #[error("a database of type `{0}` has neither countries nor cities")]
    Type(String),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Database(Reader<Vec<u8>>);

/// What is read of a record; databases of countries have the first two.
#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    country: Option<Coded<'a>>,
    continent: Option<Continent<'a>>,
    #[serde(default)]
    subdivisions: Vec<Coded<'a>>,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Coded<'a> {
    iso_code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Continent<'a> {
    code: Option<&'a str>,
}

#[derive(Deserialize)]
struct Location {
    latitude: Option<f64>,
    longitude: Option<f64>,
}

impl Database {
    /// Reads a file. Cheap but for the reading: what is wrong deep inside shows in [`Database::verify`] only, and as
    /// addresses of which nothing is known.
    pub(crate) fn read(path: &Path) -> Result<Database, DatabaseError> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        if size > LARGEST {
            return Err(DatabaseError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(size as usize);
        file.take(LARGEST).read_to_end(&mut bytes)?;
        let reader = Reader::from_source(bytes)?;
        let kind = &reader.metadata().database_type;
        match ["City", "Country", "Enterprise"].iter().any(|known| kind.contains(known)) {
            true => Ok(Database(reader)),
            false => Err(DatabaseError::Type(kind.chars().take(64).collect())),
        }
    }

    /// Looks through all of it. Takes seconds for a large database.
    pub(crate) fn verify(&self) -> Result<(), DatabaseError> {
        Ok(self.0.verify()?)
    }

    /// When it was made, in seconds since 1970.
    pub(crate) fn built(&self) -> u64 {
        self.0.metadata().build_epoch
    }

    /// What it knows of an address.
    pub(crate) fn locate(&self, address: IpAddr) -> Option<Whereabouts> {
        let record: Record<'_> = self.0.lookup(address).ok()?.decode().ok()??;
        let code = |text: Option<&str>| text.and_then(Code::new);
        let mut regions = record.subdivisions.iter().map(|region| code(region.iso_code));
        let location = record.location.and_then(|at| Some((at.latitude? as f32, at.longitude? as f32)));
        Some(Whereabouts {
            country: record.country.and_then(|country| code(country.iso_code)),
            regions: [regions.next().flatten(), regions.next().flatten()],
            continent: record.continent.and_then(|continent| code(continent.code)),
            location,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::made::{Entry, country, made};
    use std::fs;

    fn read(bytes: &[u8]) -> Result<Database, DatabaseError> {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("db"), bytes).unwrap();
        Database::read(&dir.path().join("db"))
    }

    fn error_of(bytes: &[u8]) -> String {
        read(bytes).unwrap_err().to_string()
    }

    #[test]
    fn an_address_is_found_with_all_that_is_known_of_it() {
        let munich = Entry {
            regions: &["BY", "M"],
            location: Some((48.125, 11.5)),
            ..country("127.0.1.0/24", "DE", "EU")
        };
        let database = read(&made("GeoLite2-City", &[munich, country("2001:db8::/32", "CA", "NA")])).unwrap();
        database.verify().unwrap();
        let code = |text: &str| Code::new(text);
        let found = database.locate("127.0.1.5".parse().unwrap()).unwrap();
        let regions = [code("BY"), code("M")];
        assert_eq!(
            found,
            Whereabouts {
                country: code("DE"),
                regions,
                continent: code("EU"),
                location: Some((48.125, 11.5))
            }
        );
        let found = database.locate("2001:db8::1".parse().unwrap()).unwrap();
        assert_eq!((found.country, found.regions, found.location), (code("CA"), [None; 2], None));
        assert_eq!(database.locate("127.0.2.5".parse().unwrap()), None);
    }

    #[test]
    fn what_is_no_database_of_places_is_refused_with_a_reason() {
        assert!(error_of(b"").starts_with("it is no database in MaxMind's format: "));
        let good = made("GeoLite2-Country", &[country("127.0.1.0/24", "DE", "EU")]);
        assert!(error_of(&good[..good.len() / 2]).starts_with("it is no database"));
        let asn = made("GeoLite2-ASN", &[country("127.0.1.0/24", "DE", "EU")]);
        assert_eq!(error_of(&asn), "a database of type `GeoLite2-ASN` has neither countries nor cities");
    }

    #[test]
    fn damage_inside_is_found_by_looking_through_it_and_never_by_a_panic() {
        let good = made("GeoLite2-Country", &[country("127.0.1.0/24", "DE", "EU")]);
        let mut noticed = 0;
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0xff;
            let Ok(database) = read(&bad) else { continue };
            noticed += u32::from(database.verify().is_err());
            let _ = database.locate("127.0.1.5".parse().unwrap());
        }
        assert!(noticed > 0);
    }
}
