//! Ruby, Go, Rust, PHP and folders of static files.

use super::{FolderFacts, Guess};

pub(super) fn detect_ruby(facts: &FolderFacts) -> Option<Guess> {
    let gems = facts.text("Gemfile")?;
    let guess = if gems.contains("rails") {
        let guess = Guess::web("bundle exec rails server -b 127.0.0.1 -p $PORT");
        Guess { migrate: Some("bundle exec rails db:migrate".to_owned()), ..guess }
            .note("Rails: `web` runs its server.")
    } else if gems.contains("puma") {
        Guess::web("bundle exec puma -b tcp://127.0.0.1:$PORT").note("Ruby: `web` runs puma.")
    } else {
        Guess::web("bundle exec rackup -o 127.0.0.1 -p $PORT").note("Ruby: `web` runs rackup.")
    };
    Some(guess.build("bundle config set --local path vendor/bundle && bundle install"))
}

pub(super) fn detect_go(facts: &FolderFacts) -> Option<Guess> {
    facts.text("go.mod")?;
    let guess = Guess::web("./app").build("go build -o app .");
    Some(guess.note("Go: the package in this folder is built to ./app; it must listen on $PORT."))
}

pub(super) fn detect_rust(facts: &FolderFacts) -> Option<Guess> {
    let manifest = facts.text("Cargo.toml")?;
    let package = manifest.split("[package]").nth(1).and_then(|section| {
        let line = section
            .lines()
            .take_while(|line| !line.starts_with('['))
            .find(|line| line.split('=').next().is_some_and(|key| key.trim() == "name"))?;
        let name = line.split('"').nth(1)?;
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)).then_some(name)
    });
    let name = package.unwrap_or("app");
    let guess = Guess::web(format!("./target/release/{name}")).build("cargo build --release --locked");
    Some(guess.note(format!("Rust: `web` runs the binary `{name}`; it must listen on $PORT.")))
}

pub(super) fn detect_php(facts: &FolderFacts) -> Option<Guess> {
    facts.text("composer.json")?;
    let guess =
        Guess::web("php -S 127.0.0.1:$PORT -t public").build("composer install --no-dev --no-interaction");
    Some(guess.note("PHP: `web` runs the built-in server on ./public; use a real one for more than a trial."))
}

pub(super) fn detect_static(facts: &FolderFacts) -> Option<Guess> {
    facts.text("index.html")?;
    let guess = Guess::web("python3 -m http.server $PORT --bind 127.0.0.1");
    Some(guess.note("Static files: `web` serves this folder with Python's own server."))
}
