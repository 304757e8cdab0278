//! Of the API itself, and of what keeps it.

use super::Explained;

pub(super) const CODES: &[Explained] = &[
    (
        "api::unauthorized",
        "No token, or a wrong one. It is the text of the file `token` in the data directory of `tidegate up`.",
    ),
    (
        "api::other-user",
        "The unix socket is for the user who runs Tidegate, and root. Others use the address and the token.",
    ),
    (
        "api::foreign-host",
        "`Host`, or `Origin`, does not name this machine: a page of another site may be behind the request. Use 127.0.0.1 or \
         localhost with the API's port.",
    ),
    ("api::no-such-path", "The API has no such path. /v1/openapi.json lists all of them."),
    ("api::no-such-method", "The path is there, and does not take that method."),
    (
        "api::bad-request",
        "The body, or a part of the query, is not what the path takes; the message says what is wrong.",
    ),
    ("api::media-type", "The body's `Content-Type` is none that the path takes."),
    ("api::too-large", "The body is larger than the path takes."),
    ("api::too-slow", "The body did not come in time."),
    (
        "api::behind",
        "More events come than are taken in. Send them again later, in larger batches; nothing counts twice.",
    ),
    ("api::other-environment", "The key is for another app or environment than was asked for."),
    ("api::busy", "As many clients follow a stream as may. End one of them, or ask without following."),
    ("control::stopping", "The control plane is about to end. What runs goes on; ask again when it is back."),
    (
        "control::stuck",
        "The control plane did not answer in time; the next pass is waited for too long. `tidegate doctor` says more.",
    ),
    (
        "store::disk-full",
        "No space is left on the disk of the data directory. What serves goes on; free some.",
    ),
    ("store::unavailable", "The database cannot be read or written now. `tidegate doctor` says more."),
    (
        "store::refused",
        "The database refused something that it should have taken: a bug. Nothing was changed.",
    ),
];
