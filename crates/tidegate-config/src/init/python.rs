//! Python: Django, FastAPI, Flask and other WSGI apps, plain scripts.

use super::{FolderFacts, Guess};

const ENTRIES: [&str; 4] = ["app.py", "main.py", "server.py", "index.py"];
const VENV: &str = "python3 -m venv .venv && .venv/bin/pip install";

/// An app with a requirements.txt, a pyproject.toml, a manage.py or a Python file of a usual name.
pub(super) fn detect(facts: &FolderFacts) -> Option<Guess> {
    let entry = ENTRIES.into_iter().find(|name| facts.has(name));
    let marks = ["requirements.txt", "pyproject.toml", "manage.py"];
    let dependencies =
        marks.iter().filter_map(|name| facts.text(name)).collect::<Vec<_>>().join("\n").to_lowercase();
    if entry.is_none() && !marks.iter().any(|name| facts.has(name)) {
        return None;
    }
    let module = entry.map_or("app", |entry| entry.trim_end_matches(".py"));
    let (server, guess) = if facts.has("manage.py") {
        let project = django_project(facts.text("manage.py").unwrap_or_default());
        let run = format!(".venv/bin/gunicorn {project}.wsgi --bind 127.0.0.1:$PORT");
        let guess = Guess::web(run)
            .note("Django: `web` runs gunicorn; check the name of the project before `.wsgi`.");
        (
            "gunicorn",
            Guess { migrate: Some(".venv/bin/python manage.py migrate --noinput".to_owned()), ..guess },
        )
    } else if dependencies.contains("fastapi") || dependencies.contains("starlette") {
        let run = format!(".venv/bin/uvicorn {module}:app --host 127.0.0.1 --port $PORT");
        (
            "uvicorn",
            Guess::web(run)
                .note(format!("FastAPI: `web` runs uvicorn with the object `app` in {module}.py.")),
        )
    } else if dependencies.contains("flask") || dependencies.contains("gunicorn") {
        let run = format!(".venv/bin/gunicorn {module}:app --bind 127.0.0.1:$PORT");
        (
            "gunicorn",
            Guess::web(run).note(format!("WSGI: `web` runs gunicorn with the object `app` in {module}.py.")),
        )
    } else {
        return plain(facts, entry);
    };
    // A server that the app does not name itself is installed beside it.
    let extra = if dependencies.contains(server) { String::new() } else { format!(" {server}") };
    Some(guess.build(format!("{}{extra}", install(facts))))
}

fn plain(facts: &FolderFacts, entry: Option<&str>) -> Option<Guess> {
    let entry = entry?;
    let installs = facts.has("requirements.txt") || facts.has("pyproject.toml");
    let python = if installs { ".venv/bin/python" } else { "python3" };
    let guess = Guess::web(format!("{python} {entry}"))
        .note(format!("Python: `web` runs {entry}; it must listen on $PORT."));
    Some(if installs { guess.build(install(facts)) } else { guess })
}

fn install(facts: &FolderFacts) -> String {
    match facts.has("requirements.txt") {
        true => format!("{VENV} -r requirements.txt"),
        false if facts.has("pyproject.toml") => format!("{VENV} ."),
        false => format!("{VENV} django"),
    }
}

/// The project's module from `DJANGO_SETTINGS_MODULE`, as `django-admin startproject` writes it.
fn django_project(manage: &str) -> &str {
    let settings = manage.split(['"', '\'']).find_map(|part| part.strip_suffix(".settings"));
    let plain = |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.');
    settings.filter(plain).unwrap_or("project")
}
