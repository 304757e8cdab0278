//! The command line reference: the help of every command.

use std::path::Path;

use crate::{Trouble, program};

/// The page.
pub fn page(tidegate: &Path) -> Result<String, Trouble> {
    let top = program::text(tidegate, &["--help"])?;
    let mut page = format!("# The command line\n\nWhat `tidegate COMMAND --help` prints. {}\n", super::MADE);
    page += &section("tidegate", &top);
    for command in commands(&top) {
        page += &section(&format!("tidegate {command}"), &program::text(tidegate, &[command, "--help"])?);
    }
    Ok(page)
}

fn section(title: &str, help: &str) -> String {
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    format!("\n## {title}\n\n```text\n{}\n```\n", help.join("\n").trim_end())
}

/// The names in the list of commands.
fn commands(help: &str) -> Vec<&str> {
    let list = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    list.take_while(|line| !line.is_empty()).filter_map(|line| line.split_whitespace().next()).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn commands_are_read_off_the_list() {
        let help = "Usage: x\n\nCommands:\n  up    Start\n  down  Stop\n\nOptions:\n  -h\n";
        assert_eq!(super::commands(help), ["up", "down"]);
    }
}
