//! Between core types and the JSON column `body`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;

/// The largest body of a row, in bytes. A revision of an app with a hundred services has about 100 KiB.
pub(crate) const BODY_LARGEST: usize = 4 * 1024 * 1024;

/// A value as the JSON that is stored.
pub(crate) fn to_body(table: &'static str, value: &impl Serialize) -> Result<String, StoreError> {
    let body = serde_json::to_string(value).map_err(|error| unreadable(table, &error))?;
    if body.len() > BODY_LARGEST {
        return Err(StoreError::TooLarge { table, bytes: body.len(), limit: BODY_LARGEST });
    }
    Ok(body)
}

/// The value in the column `body`, which every query of this crate selects first.
pub(crate) fn of_row<T: DeserializeOwned>(
    table: &'static str,
    row: &rusqlite::Row<'_>,
) -> Result<T, StoreError> {
    let body = row.get_ref(0)?.as_str().map_err(|_| damaged(table, "its body is not text"))?;
    serde_json::from_str(body).map_err(|error| unreadable(table, &error))
}

/// An error for a row that is not what the schema promises.
pub(crate) fn damaged(table: &'static str, why: impl Into<String>) -> StoreError {
    StoreError::Row { table, why: why.into() }
}

/// SQLite's integers are signed. No count of this crate gets near the end of them.
pub(crate) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back from [`to_sql`].
pub(crate) fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Tells the place, not serde's sentence: that one can quote a value, and a value can be a secret.
fn unreadable(table: &'static str, error: &serde_json::Error) -> StoreError {
    damaged(table, format!("{:?} error at column {} of its body", error.classify(), error.column()))
}
