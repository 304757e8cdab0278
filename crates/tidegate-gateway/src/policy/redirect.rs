//! An answer that sends the client elsewhere: where to is a template, read once.

use http::{Response, StatusCode};
use tidegate_core::model;

use super::{PolicyError, location};
use crate::front::Part;
use crate::route::{behind, keys};
use crate::view::RequestView;

/// See the module.
#[derive(Debug)]
pub(super) struct Redirect {
    status: StatusCode,
    /// The route's path prefix as it is sent, without a `/` at its end.
    prefix: Box<str>,
    parts: Vec<Piece>,
    /// It leads to a path of the same site, not to an address.
    on_this_site: bool,
}

/// A piece of the template.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Path,
    Query,
    Host,
}

impl Redirect {
    pub(super) fn compile(model: &model::Redirect, prefix: &str) -> Result<Self, PolicyError> {
        let wrong = |why: String| PolicyError::new("redirect", why);
        if !matches!(model.status, 301 | 302 | 303 | 307 | 308) {
            return Err(wrong(format!("status {} is none of 301, 302, 303, 307 and 308", model.status)));
        }
        let status = StatusCode::from_u16(model.status).map_err(|error| wrong(error.to_string()))?;
        if let Some(bad) = model.to.chars().find(|c| !c.is_ascii_graphic()) {
            return Err(wrong(format!("{bad:?} cannot stand in an address: write it percent-encoded")));
        }
        let parts = pieces(&model.to)?;
        let on_this_site = match scheme(&model.to) {
            Some(rest) => {
                check_authority(rest, &model.to)?;
                false
            }
            None => {
                check_path(&model.to)?;
                true
            }
        };
        let [prefix, _] = keys(prefix);
        Ok(Redirect { status, prefix: prefix.into(), parts, on_this_site })
    }

    /// The answer.
    pub(super) fn answer(&self, view: &dyn RequestView) -> Response<Part> {
        let to = self.expand(view);
        let to = if self.on_this_site { location::on_this_site(&to).into_owned() } else { to };
        location::answer(self.status, to)
    }

    fn expand(&self, view: &dyn RequestView) -> String {
        // The target `*` of OPTIONS has no path.
        let path = behind(view.path(), &self.prefix).filter(|rest| rest.starts_with('/'));
        let mut to = String::new();
        for piece in &self.parts {
            match piece {
                Piece::Text(text) => to.push_str(text),
                Piece::Path => to.push_str(path.unwrap_or_default()),
                Piece::Host => to.push_str(view.host()),
                Piece::Query => {
                    if let Some(query) = view.query() {
                        to.push('?');
                        to.push_str(query);
                    }
                }
            }
        }
        to
    }
}

/// What follows `http://` or `https://`.
fn scheme(to: &str) -> Option<&str> {
    to.strip_prefix("https://").or_else(|| to.strip_prefix("http://"))
}

/// Nothing of the request but its host may say which site an address is of.
fn check_authority(rest: &str, to: &str) -> Result<(), PolicyError> {
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = &rest[..end];
    // `{path}` is empty or begins with `/`, `{query}` is empty or begins with `?`: after a name both end it.
    let named = authority.find("{path}").or_else(|| authority.find("{query}")).unwrap_or(authority.len());
    let behind = authority[named..].replace("{path}", "").replace("{query}", "");
    let bad = authority[..named].is_empty() || !behind.is_empty() || authority.contains(['@', '\\']);
    if bad {
        Err(PolicyError::new("redirect", format!("`{to}` does not say which host it leads to")))
    } else {
        Ok(())
    }
}

fn check_path(to: &str) -> Result<(), PolicyError> {
    let outside = to.starts_with("//") || to.contains('\\');
    let path = to.starts_with('/') || to.starts_with("{path}");
    if path && !outside {
        return Ok(());
    }
    let why = format!("`{to}` is neither a path nor an address that begins with `https://` or `http://`");
    Err(PolicyError::new("redirect", why))
}

fn pieces(to: &str) -> Result<Vec<Piece>, PolicyError> {
    let mut parts = Vec::new();
    let mut rest = to;
    while let Some((text, after)) = rest.split_once('{') {
        if !text.is_empty() {
            parts.push(Piece::Text(text.into()));
        }
        let open = || PolicyError::new("redirect", format!("`{{` in `{to}` has no `}}`"));
        let (name, after) = after.split_once('}').ok_or_else(open)?;
        parts.push(match name {
            "path" => Piece::Path,
            "query" => Piece::Query,
            "host" => Piece::Host,
            other => {
                let why = format!("`{{{other}}}` is none of `{{path}}`, `{{query}}` and `{{host}}`");
                return Err(PolicyError::new("redirect", why));
            }
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Piece::Text(rest.into()));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compiled(to: &str) -> Result<Redirect, PolicyError> {
        Redirect::compile(&model::Redirect { to: to.to_owned(), status: 308 }, "/old")
    }

    #[test]
    fn a_target_says_where_it_leads() {
        for good in [
            "/",
            "/new{path}{query}",
            "{path}",
            "https://shop.test",
            "https://shop.test{path}{query}",
            "https://www.{host}:8443{path}",
            "http://{host}/x?from={host}",
        ] {
            assert!(compiled(good).is_ok(), "{good}: {:?}", compiled(good));
        }
        for bad in [
            "",
            "new",
            "//evil.test",
            "/\\evil.test",
            "https://",
            "https://{path}",
            "https://{query}",
            "https://a{path}b",
            "https://a@b/",
            "javascript:alert(1)",
            "/a{what}",
            "/a{path",
            "/a b",
            "/a\r\nset-cookie: x",
            "{host}",
        ] {
            assert!(compiled(bad).is_err(), "{bad}");
        }
        let odd = model::Redirect { to: "/".to_owned(), status: 200 };
        assert!(Redirect::compile(&odd, "").unwrap_err().to_string().contains("200"));
    }
}
