//! One try to deliver a notice: a `POST`, or a letter handed to a mail server.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use tidegate_core::model::{NotifyTo, Place};
use tidegate_core::notify::{Notice, letter};

use super::smtp;
use crate::engine::ask::http::{self, Bearer, Post};
use crate::engine::ask::trust;
use crate::workspace::secrets;

/// How long one try may take.
const WITHIN: Duration = Duration::from_secs(10);
/// What a CloudEvent in a body is.
const CLOUD_EVENT: &str = "application/cloudevents+json; charset=utf-8";
const JSON: &str = "application/json; charset=utf-8";
/// What CloudEvents come from.
const SOURCE: &str = "/tidegate";

/// Whom to believe where TLS is spoken.
pub(super) type Trust = fn() -> Result<Arc<ClientConfig>, String>;

/// What deliveries need.
pub(super) struct Delivery {
    data: PathBuf,
    trust: Trust,
}

/// How somebody is told, for messages. No URL: it may be as good as a password.
pub(super) fn way(to: &NotifyTo) -> &'static str {
    match to {
        NotifyTo::Webhook { .. } => "webhook",
        NotifyTo::Chat { .. } => "chat",
        NotifyTo::Mail { .. } => "e-mail",
    }
}

impl Delivery {
    /// With the secrets of a data directory.
    pub(super) fn of(data: &Path) -> Self {
        Delivery { data: data.to_owned(), trust: trust::system }
    }

    /// Tries once. Errors name hosts and secrets, no values.
    pub(super) fn deliver(&self, notice: &Notice) -> Result<(), String> {
        match &notice.to {
            NotifyTo::Webhook { url, token } => {
                let token = token.as_ref().map(|name| self.secret(notice, name)).transpose()?;
                let bearer =
                    token.map(|token| Bearer::new(&token).ok_or("its token is not one")).transpose()?;
                self.post((notice, url), (CLOUD_EVENT, bearer), &notice.cloud_event(SOURCE).to_string())
            }
            NotifyTo::Chat { url } => self.post((notice, url), (JSON, None), &notice.chat().to_string()),
            NotifyTo::Mail { to, from, server, login } => {
                let password = login.as_ref().map(|(_, name)| self.secret(notice, name)).transpose()?;
                let user = login.as_ref().map(|(user, _)| user.as_str());
                let mail = smtp::Mail {
                    server,
                    login: user.zip(password.as_deref()),
                    from,
                    to,
                    letter: &letter(notice, (from, to), &date_of(&notice.at)),
                    within: WITHIN,
                };
                smtp::send(&mail, self.trust)
            }
        }
    }

    /// A secret of the app it is about.
    fn secret(&self, notice: &Notice, name: &str) -> Result<String, String> {
        let app = notice.event.app.as_deref().and_then(|app| app.parse().ok()).ok_or("it is about no app")?;
        let mut found = secrets::named(&self.data.join("secrets"), &app, &[name.to_owned()])?;
        Ok(found.remove(name).unwrap_or_default().trim().to_owned())
    }

    fn post(
        &self,
        (notice, url): (&Notice, &Place),
        (media, bearer): (&str, Option<Bearer>),
        body: &str,
    ) -> Result<(), String> {
        let url = match url {
            Place::Url(url) => url.clone(),
            Place::Secret(name) => self.secret(notice, name)?,
        };
        let post = Post { url: &url, bearer, media, body: body.as_bytes(), within: WITHIN };
        match http::post(&post, self.trust)?.status {
            200..=299 => Ok(()),
            status => Err(format!("status {status}")),
        }
    }
}

/// `2026-01-02T03:04:05.678Z` as letters have it: `2 Jan 2026 03:04:05 +0000`.
fn date_of(rfc3339: &str) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let part = |range: std::ops::Range<usize>| rfc3339.get(range).unwrap_or("01");
    let month = part(5..7).parse::<usize>().ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    format!("{} {} {} {} +0000", part(8..10), month.unwrap_or(&"Jan"), part(0..4), part(11..19))
}
