//! Static sites: the files of a build, served by the gateway itself. An arm with a site is assigned like any other; its
//! requests are counted in the arm's own row.
//!
//! Nothing here touches a disk on a worker's thread, and nothing outside the site's folder is ever opened: the target is
//! checked before ([`target`]) and the kernel checks it again while it resolves it ([`tidegate_os::beneath`]).

mod answer;
mod body;
mod cache;
mod condition;
mod find;
mod range;
mod tag;
mod target;
mod visit;

use http::{HeaderValue, Method, Response, StatusCode, header, request};
use tidegate_core::model;

use super::{PolicyError, accept, location};
use crate::front::Part;
use crate::page::Page;
use find::{Found, Wish};
use target::Target;

pub(crate) use body::FileBody;
pub(crate) use visit::Visit;

/// The files of one build.
#[derive(Debug)]
pub(crate) struct Site {
    root: std::path::PathBuf,
    spa: bool,
    /// The file for 404.
    not_found: Option<Target>,
    /// Folders of other builds, whose files with a hash in their names are still asked for.
    others: Vec<std::path::PathBuf>,
}

impl Site {
    /// Checks it. The folder need not be there yet: until it is, there is no file in it.
    pub(crate) fn compile(model: &model::Site) -> Result<Self, PolicyError> {
        let wrong = |why: String| PolicyError::new("site", why);
        if let Some(root) = [&model.root].into_iter().chain(&model.others).find(|root| !root.is_absolute()) {
            return Err(wrong(format!("`{}` is no absolute path", root.display())));
        }
        let not_found = model.not_found.as_ref().map(|name| {
            let target = Target::parse(&format!("/{}", name.trim_start_matches('/')));
            target
                .filter(|target| !target.is_folder())
                .ok_or_else(|| wrong(format!("`{name}` names no file")))
        });
        let (root, others) = (model.root.clone(), model.others.clone());
        Ok(Site { root, spa: model.spa, not_found: not_found.transpose()?, others })
    }
}

/// Answers a request with a file. `asked` is the path that the client asked for, before any rewriting.
pub(crate) async fn serve(visit: Visit, parts: &request::Parts, asked: &str) -> Response<Part> {
    let is_head = parts.method == Method::HEAD;
    if !is_head && parts.method != Method::GET {
        return visit.over(wrong_method());
    }
    let wish = Wish {
        target: Target::parse(parts.uri.path()),
        asked_as_folder: asked.ends_with('/'),
        // A page is looked at; a script or a picture that is not there is a mistake that must be seen.
        takes_page: takes_page(parts),
        codings: accept::accepted(&parts.headers, &find::CODINGS),
        read_ahead: !is_head && !parts.headers.contains_key(header::IF_NONE_MATCH),
    };
    match visit.site().find(wish).await {
        Ok(Found::File(file)) => answer::answer(visit, *file, &parts.headers, is_head),
        Ok(Found::Folder) => visit.over(to_folder(asked, parts.uri.query())),
        Ok(Found::Nothing) => visit.over(Page::NO_FILE.response()),
        Err(error) => {
            tracing::error!(%error, "a file of a site cannot be read");
            visit.over(Page::FILE_FAILED.response())
        }
    }
}

fn takes_page(parts: &request::Parts) -> bool {
    let mut kinds = parts.headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let named = parts.uri.path().rsplit('/').next().is_some_and(|name| name.contains('.'));
    !named || kinds.any(|kinds| kinds.contains("text/html"))
}

/// The relative links of a folder's page need the slash.
fn to_folder(asked: &str, query: Option<&str>) -> Response<Part> {
    let query = query.map_or(String::new(), |query| format!("?{query}"));
    let to = location::on_this_site(asked).into_owned();
    let mut response = location::answer(StatusCode::PERMANENT_REDIRECT, format!("{to}/{query}"));
    // The next build may have a file of that name.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

fn wrong_method() -> Response<Part> {
    let mut response = Page::WRONG_METHOD.response();
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
    response
}
