//! Commands: a line for the shell, or the words of a program that is started without one.
//!
//! A command is kept as one text. Words are a JSON list of texts, `["node","server.js"]`, which no shell could make sense of.

/// The words of a command that is started without a shell, the program first; `None`: it is a line for the shell.
pub fn words_of(command: &str) -> Option<Vec<String>> {
    let listed = command.starts_with('[') && command.ends_with(']');
    let words: Vec<String> = listed.then(|| serde_json::from_str(command).ok()).flatten()?;
    words.first().is_some_and(|program| !program.is_empty()).then_some(words)
}

/// The command of these words.
pub fn command_of(words: &[String]) -> String {
    serde_json::Value::from(words).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_they_were_and_lines_for_the_shell_are_none() {
        let words = ["sh", "", "a b", "\"$HOME\"", "ä\n[1]"].map(str::to_owned);
        assert_eq!(words_of(&command_of(&words)).unwrap(), words);
        for line in
            ["node server.js", "[ -f x ] && echo y", "[]", "[\"\"]", "[1]", "[\"a\"] && b", "", "[\"a\", 2]"]
        {
            assert_eq!(words_of(line), None, "{line}");
        }
    }
}
