//! Finds the word that was probably meant.

/// Words longer than this are not typing mistakes.
const LONGEST: usize = 64;

/// The candidate nearest to the word, where one is near enough.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if word.len() > LONGEST {
        return None;
    }
    let word = folded(word);
    let allowed = (word.chars().count() / 3).max(1);
    let distance = |candidate: &str| strsim::damerau_levenshtein(&word, &folded(candidate));
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (distance(candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The candidate the word is the beginning of, where the word has three letters or more.
pub(crate) fn begun<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = folded(word);
    candidates.into_iter().find(|candidate| word.len() >= 3 && candidate.starts_with(&word))
}

/// `; did you mean ...?` or nothing, to stand at the end of a message.
pub fn did_you_mean<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(word, candidates).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

fn folded(word: &str) -> String {
    word.chars().map(|c| if matches!(c, '_' | ' ') { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_typing_mistakes_and_other_spellings_only() {
        let keys = ["strategy", "scale", "run", "fail_after"];
        for (word, meant) in
            [("stratgy", "strategy"), ("SCALE", "scale"), ("fail-after", "fail_after"), ("rnu", "run")]
        {
            assert_eq!(nearest(word, keys), Some(meant), "{word}");
        }
        assert_eq!(nearest("colour", keys), None);
        assert_eq!(nearest(&"x".repeat(10_000), keys), None);
    }
}
