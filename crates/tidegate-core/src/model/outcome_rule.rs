//! What of users' requests is counted for each side of an A/B: a purchase, a sign-up, an answer in time.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::RevisionNo;

/// Clients are counted in so many cells, each client always in the same one: requests of one client have much in common, and
/// only the cells tell by how much.
pub const CELLS: usize = 100;

/// An answer that counts: `POST /checkout 2xx`, `GET /search/* 2xx under 300ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeRule {
    /// What it is called.
    pub name: String,
    /// `None`: any method.
    pub method: Option<String>,
    /// The path, or with `/*` at its end all below it.
    pub path: String,
    /// The lowest and the highest status that count.
    pub status: (u16, u16),
    /// Counts only where the head of the answer came within so many milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under_ms: Option<u64>,
}

/// What was counted of one revision, in cells, cumulative.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCounts {
    /// The upstream (service key printed).
    pub upstream: String,
    /// The revision its clients were given.
    pub revision: RevisionNo,
    /// Requests; [`CELLS`] of them.
    pub requests: Vec<u64>,
    /// Of these, those that count, by the name of the rule; [`CELLS`] of each.
    pub counted: Vec<(String, Vec<u64>)>,
}

impl OutcomeRule {
    /// Most of them.
    pub const MOST: usize = 8;
    const LONGEST: usize = 256;

    /// Whether a request can count.
    pub fn wants(&self, method: &str, path: &str) -> bool {
        let methods = self.method.as_ref().is_none_or(|wanted| wanted == method);
        methods
            && match self.path.strip_suffix("/*") {
                Some(above) => path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/')),
                None => path == self.path,
            }
    }

    /// Whether its answer does.
    pub fn counts(&self, status: u16, ms: u64) -> bool {
        let (lowest, highest) = self.status;
        (lowest..=highest).contains(&status) && self.under_ms.is_none_or(|under| ms < under)
    }

    /// Reads the manifest's text form; an error says what to write.
    pub fn parse(name: &str, text: &str) -> Result<Self, String> {
        let form = || {
            "write a method or `*`, a path, a status, and a time where it counts: `POST /checkout 2xx`, `GET /search/* 2xx under 300ms`".to_owned()
        };
        let mut words = text.split_whitespace();
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return Err(form()) };
        let method = (method != "*").then(|| method.to_ascii_uppercase());
        let is_method =
            |method: &String| method.len() <= 16 && method.bytes().all(|b| b.is_ascii_alphabetic());
        if !method.as_ref().is_none_or(is_method) || !path.starts_with('/') || path.len() > Self::LONGEST {
            return Err(form());
        }
        let mut words = words.peekable();
        let status = match words.next_if(|word| *word != "under") {
            Some(status) => status_of(status).ok_or_else(form)?,
            None => (200, 299),
        };
        let under_ms = match words.next() {
            Some("under") => Some(words.next().and_then(milliseconds).ok_or_else(form)?),
            Some(_) => return Err(form()),
            None => None,
        };
        if words.next().is_some() {
            return Err(form());
        }
        Ok(OutcomeRule { name: name.to_owned(), method, path: path.to_owned(), status, under_ms })
    }
}

/// `2xx`, `204`, `*`.
fn status_of(text: &str) -> Option<(u16, u16)> {
    if text == "*" {
        return Some((100, 599));
    }
    if let Some(class) = text.strip_suffix("xx").and_then(|class| u16::from_str(class).ok()) {
        return (1..=5).contains(&class).then_some((class * 100, class * 100 + 99));
    }
    let status = u16::from_str(text).ok().filter(|status| (100..=599).contains(status))?;
    Some((status, status))
}

/// `300ms`, `2s`.
fn milliseconds(text: &str) -> Option<u64> {
    let (number, times) = match text.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (text.strip_suffix('s')?, 1_000),
    };
    let number = u64::from_str(number).ok().filter(|number| (1..=600_000).contains(number))?;
    Some(number * times)
}

/// The manifest's text form.
impl fmt::Display for OutcomeRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method.as_deref().unwrap_or("*"), self.path)?;
        match self.status {
            (100, 599) => f.write_str(" *")?,
            (one, other) if one == other => write!(f, " {one}")?,
            (lowest, _) => write!(f, " {}xx", lowest / 100)?,
        }
        self.under_ms.map_or(Ok(()), |under| write!(f, " under {under}ms"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> OutcomeRule {
        OutcomeRule::parse("bought", text).unwrap()
    }

    #[test]
    fn texts_are_read_and_shown_again() {
        for text in ["POST /checkout 2xx", "* /* 5xx", "GET /search/* 200 under 300ms", "GET / *"] {
            assert_eq!(rule(text).to_string(), text);
        }
        assert_eq!(rule("get /a").to_string(), "GET /a 2xx");
        assert_eq!(rule("GET /a under 5ms").to_string(), "GET /a 2xx under 5ms");
        assert_eq!(rule("GET /a 2xx under 2s").under_ms, Some(2_000));
        for wrong in [
            "",
            "GET",
            "GET a",
            "G3T /a",
            "GET /a 9xx",
            "GET /a 99",
            "GET /a 2xx over 3s",
            "GET /a 2xx under 3",
            "GET /a 2xx under 3s x",
        ] {
            assert!(OutcomeRule::parse("x", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_counts_is_a_method_a_path_a_status_and_a_time() {
        let one = rule("POST /checkout 2xx under 100ms");
        assert!(
            one.wants("POST", "/checkout")
                && !one.wants("GET", "/checkout")
                && !one.wants("POST", "/checkout/x")
        );
        assert!(one.counts(204, 99) && !one.counts(204, 100) && !one.counts(302, 1));
        let below = rule("* /a/* 2xx");
        assert!(below.wants("PUT", "/a/b/c") && below.wants("GET", "/a/") && !below.wants("GET", "/ab"));
        assert!(rule("* /* *").wants("GET", "/"));
    }
}
