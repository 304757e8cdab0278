//! The audit log: a chain of entries, each in the transaction of what it tells of.
//!
//! An entry comes about in three ways. What somebody asks for is announced by [`Store::announce`](crate::Store::announce) before it is
//! done: the first transaction from then on writes the entry as its last statement, so that neither is without the other. What
//! Tidegate does by itself is an event of its timeline that [`own_deed`] knows, written while nothing is announced. And
//! [`Tx::audit`] adds one that stands for itself: a refusal, or a step that is told apart from the rest.

use std::cell::RefCell;

use rusqlite::OptionalExtension;
use tidegate_core::audit::{Anchor, Deed, Entry, Hash, Link, begin, own_deed};
use tidegate_core::event::Event;

use crate::{Reader, StoreError, Tx, row};

const TABLE: &str = "audit";
const INSTALLATION: &str = "installation";

/// The most links of a page.
const PAGE_LARGEST: usize = 5_000;

/// What is known of the transactions to come.
#[derive(Debug, Default)]
pub(crate) struct Desk(RefCell<State>);

#[derive(Debug, Default)]
struct State {
    /// Somebody's deed, and when it was asked for: until it is over, nothing is Tidegate's own.
    announced: Option<(Deed, u64)>,
    /// Its entry is written.
    entered: bool,
    /// The transaction in progress tells of something that stands for itself: the entry comes with the next one.
    apart: bool,
    /// What the next entry says of before and after.
    changed: Option<(Option<String>, Option<String>)>,
}

impl Desk {
    pub(crate) fn announce(&self, deed: Deed, at_ms: u64) {
        *self.0.borrow_mut() = State { announced: Some((deed, at_ms)), ..State::default() };
    }

    /// Whether what was announced is entered; nothing is announced any more.
    pub(crate) fn over(&self) -> bool {
        std::mem::take(&mut *self.0.borrow_mut()).entered
    }

    /// Nothing of a transaction that failed is told.
    pub(crate) fn begun(&self) {
        let mut state = self.0.borrow_mut();
        (state.changed, state.apart) = (None, false);
    }

    /// The transaction that entered it is in the file.
    pub(crate) fn committed(&self, entered: bool) {
        let mut state = self.0.borrow_mut();
        state.changed = None;
        state.entered |= entered;
    }

    fn due(&self) -> Option<(Deed, u64)> {
        let state = self.0.borrow();
        state.announced.clone().filter(|_| !state.entered)
    }

    fn is_apart(&self) -> bool {
        self.0.borrow().apart
    }

    fn is_own(&self) -> bool {
        self.0.borrow().announced.is_none()
    }

    fn take_change(&self) -> Option<(Option<String>, Option<String>)> {
        self.0.borrow_mut().changed.take()
    }
}

impl Reader {
    /// Which installation this is: 32 digits in hex, drawn when the database was made.
    pub fn installation(&self) -> Result<String, StoreError> {
        self.meta(INSTALLATION)?.ok_or_else(|| row::damaged("meta", "it has no installation"))
    }

    /// Entries after a number, in their order, at most `most` and never more than 5,000: ask again with the last number.
    pub fn audit_links(&self, after: u64, most: usize) -> Result<Vec<Link>, StoreError> {
        let most = row::to_sql(most.min(PAGE_LARGEST) as u64);
        let sql = "SELECT seq, body, hash FROM audit WHERE seq > ?1 ORDER BY seq LIMIT ?2";
        self.each(sql, (row::to_sql(after), most), link_of)
    }

    /// Entries before a number, the newest first, at most `most` and never more than 5,000.
    pub fn audit_links_before(&self, before: u64, most: usize) -> Result<Vec<Link>, StoreError> {
        let most = row::to_sql(most.min(PAGE_LARGEST) as u64);
        let sql = "SELECT seq, body, hash FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2";
        self.each(sql, (row::to_sql(before), most), link_of)
    }

    /// An entry.
    pub fn audit_link(&self, seq: u64) -> Result<Option<Link>, StoreError> {
        let sql = "SELECT seq, body, hash FROM audit WHERE seq = ?1";
        Ok(self.each(sql, [row::to_sql(seq)], link_of)?.into_iter().next())
    }

    /// How far the log has come: number and hash of its last entry; 0 and the beginning where there is none.
    pub fn audit_head(&self) -> Result<(u64, Hash), StoreError> {
        let sql = "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1";
        let mut statement = self.connection().prepare_cached(sql)?;
        let found = statement.query_row([], |found| Ok((found.get(0)?, found.get::<_, String>(1)?)));
        match found.optional()? {
            Some((seq, hash)) => Ok((row::from_sql(seq), hash_of(&hash))),
            None => Ok((0, begin(&self.meta(INSTALLATION)?.unwrap_or_default()))),
        }
    }

    /// The same as an anchor.
    pub fn audit_anchor(&self, at_ms: u64) -> Result<Anchor, StoreError> {
        let (seq, hash) = self.audit_head()?;
        Ok(Anchor { installation: self.installation()?, seq, hash, at_ms })
    }
}

impl Tx<'_> {
    /// Adds an entry to the log; its number. What was announced is still to come.
    pub fn audit(&self, deed: Deed, at_ms: u64) -> Result<u64, StoreError> {
        let (last, prev) = self.audit_head()?;
        let entry = Entry { seq: last + 1, at_ms, prev, deed };
        let link = entry.link().map_err(|error| row::damaged(TABLE, error.to_string()))?;
        self.write(
            "INSERT INTO audit (seq, body, hash) VALUES (?1, ?2, ?3)",
            (row::to_sql(link.seq), &link.body, link.hash.to_string()),
        )?;
        Ok(link.seq)
    }

    /// Adds an entry that whoever has announced something is to answer for besides; as it is where nobody has. What was announced is
    /// not done by this transaction but by the next one.
    pub fn audit_besides(&self, deed: Deed, at_ms: u64) -> Result<u64, StoreError> {
        self.desk().0.borrow_mut().apart = true;
        let announced = self.desk().0.borrow().announced.clone().map(|(announced, _)| announced);
        let deed = match announced {
            Some(Deed { who, from, .. }) => Deed { who, from, ..deed },
            None => deed,
        };
        self.audit(deed, at_ms)
    }

    /// Says what the entry of this transaction tells of before and after.
    pub fn changes(&self, before: Option<&str>, after: Option<&str>) {
        self.desk().0.borrow_mut().changed = Some((before.map(str::to_owned), after.map(str::to_owned)));
    }

    /// The entry of what was announced; whether there was anything.
    pub(crate) fn enter_announced(&self) -> Result<bool, StoreError> {
        let Some((deed, at_ms)) = self.desk().due().filter(|_| !self.desk().is_apart()) else {
            return Ok(false);
        };
        self.audit(self.with_change(deed), at_ms)?;
        Ok(true)
    }

    /// The entry of what Tidegate did by itself, where this event is of such.
    pub(crate) fn enter_own(&self, event: &Event, unix_ms: u64) -> Result<(), StoreError> {
        if !self.desk().is_own() {
            return Ok(());
        }
        let Some(deed) = own_deed(event) else { return Ok(()) };
        self.audit(self.with_change(deed), unix_ms).map(drop)
    }

    fn with_change(&self, deed: Deed) -> Deed {
        match self.desk().take_change() {
            Some((before, after)) => deed.changed(before.as_deref(), after.as_deref()),
            None => deed,
        }
    }
}

fn link_of(found: &rusqlite::Row<'_>) -> Result<Link, StoreError> {
    let text = |column: usize| -> Result<String, StoreError> {
        let text = found.get_ref(column)?.as_str().map_err(|_| row::damaged(TABLE, "a column is no text"))?;
        Ok(text.to_owned())
    };
    Ok(Link { seq: row::from_sql(found.get(0)?), body: text(1)?, hash: hash_of(&text(2)?) })
}

/// A hash that somebody spoilt is that of nothing: who verifies the chain finds it, and it keeps nobody from changing anything.
fn hash_of(text: &str) -> Hash {
    text.parse().unwrap_or_else(|_| Hash::from_bytes([0; 32]))
}
