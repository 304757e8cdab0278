//! Who is told: one way each, and what belongs to it.

use tidegate_core::model::{Notify, NotifyTo};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::findings::Findings;
use crate::raw::{Field, ListOf, RawNotify};
use crate::span::{Span, Spanned};

/// Those who are told of an environment.
pub(super) fn compile(notify: &Field<ListOf<RawNotify>>, findings: &mut Findings<'_>) -> Vec<Notify> {
    let Some(written) = notify.get() else { return Vec::new() };
    let all = &written.value.0;
    if all.len() > Notify::MOST {
        let message = format!("{} are more than the {} who may be told", all.len(), Notify::MOST);
        findings.push(Diagnostic::error(codes::TOO_MANY, message).at(written.key, ""));
    }
    all.iter().filter_map(|raw| one(raw, findings)).collect()
}

fn one(raw: &Spanned<RawNotify>, findings: &mut Findings<'_>) -> Option<Notify> {
    check_way(&raw.value, raw.span, findings);
    let on = raw.value.on.value().map(|on| on.0.iter().map(|word| word.value.0).collect());
    Some(Notify { to: way_of(&raw.value)?, on: on.unwrap_or_default() })
}

fn way_of(raw: &RawNotify) -> Option<NotifyTo> {
    if let Some(url) = raw.webhook.value() {
        let token = raw.token.value().map(|name| name.0.0.clone());
        return Some(NotifyTo::Webhook { url: url.0.clone(), token });
    }
    if let Some(url) = raw.chat.value() {
        return Some(NotifyTo::Chat { url: url.0.clone() });
    }
    let login = raw.user.value().zip(raw.password.value());
    Some(NotifyTo::Mail {
        to: raw.mail.value()?.0.iter().map(|address| address.value.0.0.clone()).collect(),
        from: raw.from.value()?.0.0.clone(),
        server: raw.server.value()?.0.0.clone(),
        login: login.map(|(user, password)| (user.0.0.clone(), password.0.0.clone())),
    })
}

/// One way, and nothing that belongs to another.
fn check_way(raw: &RawNotify, at: Span, findings: &mut Findings<'_>) {
    let ways = [raw.webhook.is_absent(), raw.chat.is_absent(), raw.mail.is_absent()];
    if ways.iter().filter(|absent| !**absent).count() != 1 {
        let help = "write exactly one of `webhook: URL`, `chat: SECRET` and `mail: ADDRESS` in each";
        return findings.push(wrong("it is not said in one way how somebody is told", at).help(help));
    }
    let [no_webhook, _, no_mail] = ways;
    let needless = [
        ("server", key_of(&raw.server).filter(|_| no_mail), "mail"),
        ("from", key_of(&raw.from).filter(|_| no_mail), "mail"),
        ("user", key_of(&raw.user).filter(|_| no_mail), "mail"),
        ("password", key_of(&raw.password).filter(|_| no_mail), "mail"),
        ("token", key_of(&raw.token).filter(|_| no_webhook), "webhook"),
    ];
    for (key, span, owner) in needless.into_iter().filter_map(|(key, span, owner)| Some((key, span?, owner)))
    {
        findings.push(wrong(format!("`{key}` belongs to `{owner}`"), span));
    }
    if !no_mail && (raw.server.is_absent() || raw.from.is_absent()) {
        let help = "write `server: smtp://HOST:587` and `from: ADDRESS`";
        findings.push(wrong("a letter needs a server and an address it comes from", at).help(help));
    }
    if !no_mail && raw.user.is_absent() != raw.password.is_absent() {
        let help = "`password` names the secret that has the password of `user`";
        findings.push(wrong("a user has a password, and a password a user", at).help(help));
    }
}

fn key_of<T>(field: &Field<T>) -> Option<Span> {
    field.get().map(|value| value.key)
}

fn wrong(message: impl Into<String>, at: Span) -> Diagnostic {
    Diagnostic::error(codes::NOTIFY, message).at(at, "")
}
