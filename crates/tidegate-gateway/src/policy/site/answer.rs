//! The answer with a file: conditions, ranges, and the fields that describe it.

use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use super::condition::{Verdict, range_holds, verdict};
use super::find::Opened;
use super::range::{Wanted, wanted};
use super::tag::Tag;
use super::{FileBody, Visit, cache};
use crate::front::Part;
use crate::page::Page;
use crate::policy::vary::vary;
use crate::policy::{accept, kind};

/// Answers a request with these fields.
pub(super) fn answer(visit: Visit, file: Opened, asked: &HeaderMap, is_head: bool) -> Response<Part> {
    let Some(tag) = Tag::of(&file.metadata) else { return visit.over(Page::FILE_FAILED.response()) };
    if file.is_missing {
        return whole(visit, file, None, StatusCode::NOT_FOUND, is_head);
    }
    match verdict(asked, &tag) {
        Verdict::Known => known(visit, &file, &tag),
        Verdict::Failed => visit.over(Page::CHANGED.response()),
        Verdict::Go => {
            let field = asked.get(header::RANGE).filter(|_| !is_head && range_holds(asked, &tag));
            match wanted(field.and_then(|value| value.to_str().ok()), file.metadata.len()) {
                Wanted::Whole => whole(visit, file, Some(&tag), StatusCode::OK, is_head),
                Wanted::Part(first, last) => part(visit, file, &tag, (first, last)),
                Wanted::Nothing => nothing(visit, file.metadata.len()),
            }
        }
    }
}

fn whole(visit: Visit, file: Opened, tag: Option<&Tag>, status: StatusCode, is_head: bool) -> Response<Part> {
    let size = file.metadata.len();
    let mut response = described(&file, tag, size);
    *response.status_mut() = status;
    if is_head || size == 0 {
        return visit.over(response);
    }
    with_body(response, visit, |visit| match file.content {
        Some(content) => FileBody::memory(content, visit),
        None => FileBody::disk(file.file, 0, size, visit),
    })
}

fn part(visit: Visit, file: Opened, tag: &Tag, (first, last): (u64, u64)) -> Response<Part> {
    let (size, length) = (file.metadata.len(), last - first + 1);
    let mut response = described(&file, Some(tag), length);
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    with_body(response, visit, |visit| match file.content {
        Some(content) => FileBody::memory(content.slice(first as usize..=last as usize), visit),
        None => FileBody::disk(file.file, first, length, visit),
    })
}

fn with_body(
    response: Response<Part>,
    mut visit: Visit,
    body: impl FnOnce(Visit) -> FileBody,
) -> Response<Part> {
    visit.on_head(response.status().as_u16());
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Part::File(Box::new(body(visit))))
}

fn known(visit: Visit, file: &Opened, tag: &Tag) -> Response<Part> {
    let mut response = described(file, Some(tag), 0);
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    // Of the file, not of an answer without one (RFC 9110, 15.4.5).
    for name in
        [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ACCEPT_RANGES]
    {
        response.headers_mut().remove(name);
    }
    visit.over(response)
}

fn nothing(visit: Visit, size: u64) -> Response<Part> {
    let mut response = Page::NO_SUCH_RANGE.response();
    insert(response.headers_mut(), header::CONTENT_RANGE, format!("bytes */{size}"));
    visit.over(response)
}

/// The fields of the file; without a tag those of a page that stands for one that is not there.
fn described(file: &Opened, tag: Option<&Tag>, length: u64) -> Response<Part> {
    let mut response = Response::new(Part::Empty);
    let headers = response.headers_mut();
    let kind = kind::of_file(&file.path);
    // Any file may have compressed siblings, and get some later under the same name.
    vary(headers, header::ACCEPT_ENCODING);
    insert(headers, header::CONTENT_TYPE, kind);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Some(coding) = file.coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(accept::name(coding)));
    }
    let Some(tag) = tag else {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return response;
    };
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, cache::control(&file.path));
    headers.insert(header::ETAG, tag.etag.clone());
    if let Some(time) = &tag.modified {
        headers.insert(header::LAST_MODIFIED, time.clone());
    }
    response
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, text: String) {
    if let Ok(value) = HeaderValue::try_from(text) {
        headers.insert(name, value);
    }
}
