//! Refusals without secrets: what is wrong with a file is often told by quoting it.

use tidegate_core::redact::Redactor;

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

fn clean(refusal: &mut Refusal, redactor: &Redactor) {
    redactor.clean(&mut refusal.message);
    refusal.help.iter_mut().for_each(|help| redactor.clean(help));
    for diagnostic in &mut refusal.diagnostics {
        redactor.clean(&mut diagnostic.message);
        diagnostic.help.iter_mut().for_each(|help| redactor.clean(help));
        diagnostic.labels.iter_mut().for_each(|label| redactor.clean(&mut label.text));
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
}
