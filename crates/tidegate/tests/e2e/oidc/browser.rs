//! A browser without a screen: it keeps cookies, follows redirects, and fills in the provider's forms.

use std::path::{Path, PathBuf};
use std::process::Command;

/// See the module. Each has cookies of its own.
pub struct Browser {
    jar: PathBuf,
}

/// What is shown.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    /// Where it ended up.
    pub url: String,
    pub body: String,
}

/// More of them than this, and it goes round in circles.
const MOST_FORMS: usize = 8;

impl Browser {
    pub fn new(folder: &Path, name: &str) -> Self {
        Browser { jar: folder.join(format!("{name}.cookies")) }
    }

    /// Opens an address. `more`: further arguments of curl.
    pub fn open(&self, url: &str, more: &[&str]) -> Page {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--globoff", "--max-time", "20", "--location", "--cookie"])
            .arg(&self.jar);
        curl.arg("--cookie-jar").arg(&self.jar).args(["--write-out", "\n%{http_code} %{url_effective}"]);
        let output = curl.args(more).arg(url).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, last) = text.rsplit_once('\n').unwrap();
        let (status, url) = last.split_once(' ').unwrap();
        Page { status: status.parse().unwrap(), url: url.to_owned(), body: body.to_owned() }
    }

    /// Opens an address and agrees to whatever is asked, as this person; what is shown in the end.
    pub fn agree(&self, url: &str, person: &str) -> Page {
        let mut page = self.open(url, &[]);
        for _ in 0..MOST_FORMS {
            let Some((action, mut fields)) = form(&page.body) else { return page };
            if fields.iter().any(|field| field == "prompt=login") {
                fields.extend([format!("login={person}"), "password=any".to_owned()]);
            }
            let action = absolute(&action, &page.url);
            let fields: Vec<&str> = fields.iter().flat_map(|field| ["--data-urlencode", field]).collect();
            page = self.open(&action, &fields);
        }
        panic!("there is always one more form: {page:?}");
    }

    /// What a cookie holds.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let jar = std::fs::read_to_string(&self.jar).ok()?;
        let fields = jar.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        fields.into_iter().find(|fields| fields.get(5) == Some(&name)).map(|fields| fields[6].to_owned())
    }
}

/// The first form of a page, with the fields that it fills in by itself.
fn form(body: &str) -> Option<(String, Vec<String>)> {
    let (_, form) = body.split_once("<form")?;
    let (form, _) = form.split_once("</form>")?;
    let inputs = form.split("<input").skip(1).filter_map(|input| {
        let tag = input.split('>').next()?;
        let fixed = attribute(tag, "type")? == "hidden";
        fixed.then(|| Some(format!("{}={}", attribute(tag, "name")?, attribute(tag, "value")?)))?
    });
    Some((attribute(form, "action")?, inputs.collect()))
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    Some(rest.split('"').next()?.replace("&amp;", "&"))
}

fn absolute(action: &str, page: &str) -> String {
    if action.contains("://") {
        return action.to_owned();
    }
    let origin = page.match_indices('/').nth(2).map_or(page, |(at, _)| &page[..at]);
    format!("{origin}{action}")
}
