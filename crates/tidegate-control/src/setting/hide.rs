//! Refusals without secrets: what is wrong with a file is often told by quoting it.

use std::borrow::Cow;
use std::path::Path;

use tidegate_config::{Diagnostic, Source};
use tidegate_core::redact::{Redacting, Redactor};
use tidegate_store::Reader;

use super::resolve::redactor_of_all;
use crate::handle::Handle;
use crate::plane::Refusal;
use crate::vault::Vault;

impl Handle {
    /// The same, where it is refused without the value of any secret.
    pub(crate) fn without_secrets<T>(&self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        result.map_err(|mut refusal| {
            // Opened each time: mistakes are rare, and the key may have been changed.
            let Ok(vault) = Vault::open(self.data()) else { return refusal };
            match self.read(|answers| Ok(redactor_of_all(answers.store, &vault))) {
                Ok(redactor) => clean(&mut refusal, &redactor),
                Err(trouble) => return trouble,
            }
            refusal
        })
    }
}

/// Mistakes in a file that was pushed to this data directory, and the file where nothing in it is the value of a secret: else its lines
/// are not shown.
pub fn tellable(
    data: &Path,
    mut diagnostics: Vec<Diagnostic>,
    source: Source,
) -> (Vec<Diagnostic>, Vec<Source>) {
    let vault = Vault::open(data).ok();
    let reader = Reader::open(&data.join("tidegate.db")).ok();
    let (Some(vault), Some(reader)) = (vault, reader) else { return (diagnostics, vec![source]) };
    let redactor = redactor_of_all(&reader, &vault);
    diagnostics.iter_mut().for_each(|diagnostic| clean_diagnostic(diagnostic, &redactor));
    let tells = matches!(redactor.text(&source.text), Cow::Owned(_));
    (diagnostics, if tells { Vec::new() } else { vec![source] })
}

fn clean(refusal: &mut Refusal, redactor: &Redactor) {
    clean_text(&mut refusal.message, redactor);
    refusal.help.iter_mut().for_each(|help| clean_text(help, redactor));
    refusal.diagnostics.iter_mut().for_each(|diagnostic| clean_diagnostic(diagnostic, redactor));
}

fn clean_diagnostic(diagnostic: &mut Diagnostic, redactor: &Redactor) {
    clean_text(&mut diagnostic.message, redactor);
    diagnostic.help.iter_mut().for_each(|help| clean_text(help, redactor));
    diagnostic.labels.iter_mut().for_each(|label| clean_text(&mut label.text, redactor));
}

/// What is quoted may be cut off in the middle of a value: each part before a `…` is a text that ends there.
fn clean_text(text: &mut String, redactor: &Redactor) {
    let part = |part: &str| {
        let (mut stream, mut out) = (Redacting::default(), Vec::new());
        stream.feed(redactor, part.as_bytes(), &mut out);
        stream.finish(redactor, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    if !redactor.is_empty() {
        *text = text.split('…').map(part).collect::<Vec<_>>().join("…");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plane::RefusalKind;

    #[test]
    fn nothing_of_a_refusal_quotes_a_secret() {
        let mut refusal = Refusal::new(RefusalKind::Invalid, "manifest", "`hunter2-again` is no port")
            .help("not hunter2-again");
        clean(&mut refusal, &Redactor::new([("pw", "hunter2-again")]));
        assert_eq!(
            (refusal.message.as_str(), refusal.help.as_deref()),
            ("`[secret pw]` is no port", Some("not [secret pw]"))
        );
    }

    #[test]
    fn what_was_cut_off_within_a_value_is_found_as_well() {
        let value = "postgres://ann:a-very-long-password-with-more-characters-than-are-quoted@db/shop";
        let mut text = format!("`{}…` is no number", &value[..60]);
        clean_text(&mut text, &Redactor::new([("pw", value)]));
        assert_eq!(text, "`[secret pw]…` is no number");
    }
}
