//! What is told of the way through an app's files: flags that the code asks for and nobody defines, and what was not read.

use tidegate_flags::Mention;

use super::Flags;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::nearest::did_you_mean;
use crate::quote::quote;
use crate::span::Span;

/// The mistakes that calls for flags in a source file are: those for keys that are not defined. Mentions that are no calls
/// are of defined flags by nature.
pub fn undefined(flags: &Flags, file: &str, mentions: &[Mention]) -> Vec<Diagnostic> {
    let known = |mention: &&Mention| mention.key.parse().is_ok_and(|key| flags.origin(&key).is_some());
    let unknown = mentions.iter().filter(|mention| !known(mention));
    let told = unknown.map(|mention| {
        let meant = did_you_mean(&mention.key, flags.keys().map(|key| key.as_str()));
        let message = format!("{file}:{}: no flag {} is defined{meant}", mention.line, quote(&mention.key));
        Diagnostic::error(codes::FLAG_UNDEFINED, message)
            .in_file(file)
            .at(Span::new(mention.start, mention.end), "asked for here")
            .help("define it in `flags`, or mend the key")
    });
    told.collect()
}

/// The warning that not all source was looked through; `why` completes the sentence.
pub fn partly_read(manifest: &str, why: &str) -> Diagnostic {
    let message = format!("not all source was looked through for flags: {why}");
    Diagnostic::warning(codes::FLAGS_PARTLY, message)
        .in_file(manifest)
        .help("name what is no code in .gitignore")
}

/// A flag file that is there and cannot be read as one; `why` completes the sentence.
pub fn unreadable(file: &str, why: &str) -> Diagnostic {
    Diagnostic::error(codes::FLAG_FILE, format!("{file} {why}")).in_file(file)
}
