//! A site as generators of sites make them: thousands of pages and assets with a hash in their names, from a push to the browser.

use std::fs;
use std::time::Instant;

use super::client::Client;
use crate::support::figures::{millis, show};
use crate::support::{App, Repo, Tidegate, full};

/// Pages: in short enough of them to be many.
fn pages() -> usize {
    if full() { 5_000 } else { 1_000 }
}

/// What a generator does: a page for each text, in folders by section and year, each naming assets by what is in them.
const BUILD: &str = r#"set -eu
version=$(cat VERSION)
asset() { printf '%08x' "$(printf '%s' "$1 of $version" | cksum | cut -d' ' -f1)"; }
mkdir -p public/css public/js
css=$(asset css) js=$(asset js)
echo "body { margin: $version }" > "public/css/main.$css.css"
echo "run('$version')" > "public/js/app.$js.js"
echo "<link href=/css/main.$css.css><script src=/js/app.$js.js></script><p>home of $version" > public/index.html
number=0
while [ "$number" -lt @PAGES@ ]; do
    folder=public/posts/$((number % 50))/$number
    mkdir -p "$folder"
    echo "<link href=/css/main.$css.css><p>page $number of version $version" > "$folder/index.html"
    number=$((number + 1))
done
echo "made $number pages"
"#;

const MANIFEST: &str = "app: pages\nbuild: { run: sh build.sh }\nservices:\n  web:\n    static: { root: public }\n    \
                        strategy: { blue-green: { bake: 1s } }\nroutes: [{ host: pages.localhost, to: web }]\n";

/// Pushes a version and waits until it serves.
fn push(repo: &Repo, url: &str, version: u32) {
    fs::write(repo.path().join("VERSION"), version.to_string()).unwrap();
    repo.commit(&format!("Version {version}"));
    let begun = Instant::now();
    let output = repo.push(url, "main");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let what = format!("push of {} pages until they serve", pages());
    show(&[what, format!("{:.0} ms", millis(begun.elapsed())), String::new()]);
}

/// The assets that the first page names.
fn assets(client: &mut Client) -> Vec<String> {
    let home = client.get("/").text();
    let quoted = home.split(['=', '>']).filter(|part| part.starts_with('/'));
    let assets: Vec<String> = quoted.map(str::to_owned).collect();
    assert_eq!(assets.len(), 2, "{home}");
    assets
}

fn every_page_is_of(client: &mut Client, version: u32) {
    let css = &assets(client)[0];
    for number in 0..pages() {
        let page = client.get(&format!("/posts/{}/{number}/", number % 50));
        let wanted = format!("<link href={css}><p>page {number} of version {version}\n");
        assert_eq!((page.status, page.text()), (200, wanted), "page {number}");
    }
}

#[test]
#[ignore = "run by bench/git-peers"]
fn a_site_of_thousands_of_pages_goes_from_a_push_to_the_browser() {
    let tidegate = Tidegate::up();
    let app = App::copy_of(std::path::Path::new("."), &[]);
    fs::write(app.manifest(), MANIFEST).unwrap();
    fs::write(app.path().join("build.sh"), BUILD.replace("@PAGES@", &pages().to_string())).unwrap();
    let repo = Repo::of(&app);
    let url = String::from_utf8(tidegate.run(&["git", "url", "pages"]).stdout).unwrap().trim().to_owned();
    push(&repo, &url, 1);
    let mut client = Client::new(tidegate.gateway(), "pages.localhost");
    every_page_is_of(&mut client, 1);
    let earlier = assets(&mut client);

    push(&repo, &url, 2);
    every_page_is_of(&mut client, 2);
    let later = assets(&mut client);
    assert!(earlier.iter().all(|asset| !later.contains(asset)), "{earlier:?} {later:?}");
    // Pages of the first version that are still open ask for theirs.
    for (asset, text) in
        [(&earlier[0], "body { margin: 1 }\n"), (&earlier[1], "run('1')\n"), (&later[1], "run('2')\n")]
    {
        let answer = client.get(asset);
        assert_eq!((answer.status, answer.text().as_str()), (200, text), "{asset}");
    }
}
