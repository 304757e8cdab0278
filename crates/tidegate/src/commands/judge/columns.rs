//! Which column of a file of counts is what.

use tidegate_core::judge::{THRESHOLDS, Tally, Window};

use super::counts::Mistake;

/// What is required, in the order of a file without a line of names.
pub const REQUIRED: [&str; 5] = ["second", "n_stable", "bad_stable", "n_candidate", "bad_candidate"];
/// Everything there can be: the required ones, then slow ones of stable and candidate, threshold by threshold.
pub const MOST: usize = REQUIRED.len() + 2 * THRESHOLDS;

/// The values of a line, each in the place of its meaning.
pub type Values = [u64; MOST];

/// The meaning of each column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    meanings: Vec<usize>,
    has_slow: bool,
}

impl Default for Columns {
    fn default() -> Self {
        Columns { meanings: (0..REQUIRED.len()).collect(), has_slow: false }
    }
}

impl Columns {
    /// Reads a line of names.
    pub fn read(line: &[u8]) -> Result<Self, Mistake> {
        let mut meanings: Vec<usize> = Vec::new();
        let mut column = 1;
        for field in line.split(|byte| *byte == b',') {
            let name = String::from_utf8_lossy(field).trim().to_owned();
            let meaning = meaning(&name).ok_or_else(|| unknown(column, &name))?;
            if meanings.contains(&meaning) {
                let help = "leave one of the two columns out";
                return Err(Mistake::at(column, format!("the column `{name}` is there twice"), help));
            }
            meanings.push(meaning);
            column += field.len() + 1;
        }
        let has_slow = meanings.iter().any(|meaning| *meaning >= REQUIRED.len());
        let columns = Columns { meanings, has_slow };
        match columns.missing() {
            Some(name) => Err(Mistake::at(
                1,
                format!("the column `{name}` is missing"),
                format!("begin the file with the line `{}`", REQUIRED.join(",")),
            )),
            None => Ok(columns),
        }
    }

    /// A required name, or the other arm's of a threshold.
    fn missing(&self) -> Option<String> {
        let has = |meaning: &usize| self.meanings.contains(meaning);
        if let Some(required) = (0..REQUIRED.len()).find(|meaning| !has(meaning)) {
            return Some(REQUIRED[required].to_owned());
        }
        let slow = REQUIRED.len()..MOST;
        slow.clone().find(|meaning| !has(meaning) && has(&twin(*meaning))).map(name_of)
    }

    /// How many there are.
    #[inline]
    pub fn count(&self) -> usize {
        self.meanings.len()
    }

    /// What a column means: a place in [`Values`].
    #[inline]
    pub fn meaning(&self, column: usize) -> Option<usize> {
        self.meanings.get(column).copied()
    }

    /// The values of a line as a window.
    #[inline]
    pub fn window(&self, values: &Values) -> Result<Window, Mistake> {
        let [second, n_stable, bad_stable, n_candidate, bad_candidate, ..] = *values;
        if bad_stable > n_stable || bad_candidate > n_candidate {
            return Err(self.too_many(values));
        }
        let mut window = Window {
            second,
            stable: Tally::of(n_stable, bad_stable),
            candidate: Tally::of(n_candidate, bad_candidate),
        };
        if self.has_slow {
            for threshold in 0..THRESHOLDS {
                window.stable.slow[threshold] = values[REQUIRED.len() + 2 * threshold];
                window.candidate.slow[threshold] = values[REQUIRED.len() + 2 * threshold + 1];
            }
            let slow = |tally: &Tally| tally.slow.iter().any(|slow| *slow > tally.n);
            if slow(&window.stable) || slow(&window.candidate) {
                return Err(self.too_many(values));
            }
        }
        Ok(window)
    }

    /// Names the column that counts more than there were requests.
    fn too_many(&self, values: &Values) -> Mistake {
        let requests = |meaning: usize| if is_stable(meaning) { values[1] } else { values[3] };
        let wrong = |meaning: &usize| ![0, 1, 3].contains(meaning) && values[*meaning] > requests(*meaning);
        let column = self.meanings.iter().position(wrong).unwrap_or_default();
        let meaning = self.meanings[column];
        let arm = if is_stable(meaning) { "n_stable" } else { "n_candidate" };
        let message = format!(
            "`{}` is {}, more than the {} requests of `{arm}`",
            name_of(meaning),
            values[meaning],
            requests(meaning)
        );
        let help = format!("`{arm}` counts all requests of the second, bad and slow ones included");
        Mistake { field: Some(column), ..Mistake::at(1, message, help) }
    }
}

fn is_stable(meaning: usize) -> bool {
    meaning <= 2 || (meaning >= REQUIRED.len() && (meaning - REQUIRED.len()).is_multiple_of(2))
}

fn twin(meaning: usize) -> usize {
    REQUIRED.len() + ((meaning - REQUIRED.len()) ^ 1)
}

fn name_of(meaning: usize) -> String {
    let Some(name) = REQUIRED.get(meaning) else {
        let at = meaning - REQUIRED.len();
        let arm = if at.is_multiple_of(2) { "stable" } else { "candidate" };
        return format!("slow{}_{arm}", at / 2 + 1);
    };
    (*name).to_owned()
}

fn meaning(name: &str) -> Option<usize> {
    (0..MOST).find(|meaning| name_of(*meaning) == name)
}

fn unknown(column: usize, name: &str) -> Mistake {
    let help = format!(
        "the columns are {} and slow1_stable, slow1_candidate up to slow{THRESHOLDS}_candidate",
        REQUIRED.join(", ")
    );
    Mistake::at(column, format!("`{name}` is no column"), help)
}
