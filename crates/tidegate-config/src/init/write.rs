//! Writes the manifest, with comments for what is most often wanted next.

use std::fmt::Write;

use super::{Guess, Process};

/// The text of `tidegate.yaml`.
pub(super) fn write(app: &str, guess: &Guess) -> String {
    let mut out = String::from(
        "# What Tidegate builds, runs and routes for this app. `tidegate check` tells every mistake,\n\
         # `tidegate plan` what a deploy would do, `tidegate deploy --wait` does it.\n",
    );
    // Writing to a String cannot fail.
    let _ = writeln!(out, "app: {}\n", text(app));
    if let Some(build) = &guess.build {
        let _ = writeln!(
            out,
            "# Run once per build, in a clean copy of the folder. Configuration is not there yet."
        );
        let _ = writeln!(out, "build:\n  run: {}\n", text(build));
    }
    out.push_str("services:\n");
    for process in &guess.processes {
        write_service(&mut out, process);
    }
    if let Some(migrate) = &guess.migrate {
        let _ = writeln!(out, "\n# Run once per rollout, before the candidate gets traffic.");
        let _ = writeln!(out, "migrate:\n  run: {}", text(migrate));
    }
    if guess.processes.iter().any(|process| process.name == "web") {
        let _ = writeln!(out, "\n# Where requests go. Names that end in .localhost lead to this machine.");
        let _ = writeln!(out, "routes:\n  - host: {}\n    to: web", text(&format!("{app}.localhost")));
    }
    out.push_str(
        "\n# How a build is tested, before it is deployed: `tidegate pipeline run` does it on this machine.\n\
         # test:\n#   run: make test\n\
         \n# Variables of every service. Keep secrets out of this file: `tidegate deploy --env-file .env`.\n\
         # env:\n#   LOG_LEVEL: info\n\
         \n# What differs between environments. Where none is declared, `production` is meant.\n\
         # environments:\n#   staging: { branch: main }\n#   production:\n#     promote_from: staging\n#     approvals: 1\n\
         #     services:\n#       web: { scale: 2 }\n",
    );
    out
}

fn write_service(out: &mut String, process: &Process) {
    let _ = writeln!(out, "  {}:\n    run: {}", process.name, text(&process.run));
    if process.name == "web" {
        out.push_str(
            "    # The instance gets a free port in $PORT and SIGTERM when it is to stop.\n\
             \x20   # Ready when the port accepts a connection; a path that answers 200 says more:\n\
             \x20   # probes:\n    #   ready: { http: / }\n\
             \x20   # scale: 2\n    # strategy: blue-green\n    # limits: { memory: 512MiB, cpu: 1 }\n",
        );
    }
}

/// The text as a YAML scalar: without quotes where that is safe, in double quotes otherwise.
fn text(value: &str) -> String {
    if is_plain(value) {
        value.to_owned()
    } else {
        format!("\"{}\"", value.chars().map(escaped).collect::<String>())
    }
}

/// Whether every YAML reader takes the text without quotes for the same text.
fn is_plain(value: &str) -> bool {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b" ._/=$&-".contains(&b);
    let words = ["true", "false", "null", "on", "off", "yes", "no", "y", "n"];
    let path = value.strip_prefix("./").unwrap_or(value);
    path.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && path.len() < 900
        && path.bytes().all(safe)
        && !path.ends_with(' ')
        && !words.contains(&path)
}

/// A character inside double quotes. Whatever is not plainly printable is written by its number.
fn escaped(c: char) -> String {
    match c {
        '"' | '\\' => format!("\\{c}"),
        ' '..='~' => c.to_string(),
        _ if c.is_alphanumeric() => c.to_string(),
        _ => format!("\\U{:08X}", u32::from(c)),
    }
}
