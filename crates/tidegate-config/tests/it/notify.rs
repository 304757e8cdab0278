//! `notify`: who is told of what happens in an environment.

use tidegate_config::{Source, load};
use tidegate_core::model::{Notify, NotifyTo, Occasion, Place};

fn told(notify: &str) -> Vec<Notify> {
    let text = format!(
        "app: shop\nservices: {{ web: {{ run: node server.js }} }}\n\
         environments:\n  production:\n    branch: main\n    notify: {notify}\n"
    );
    let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
    let manifest = manifest.unwrap_or_else(|| panic!("{diagnostics:?}"));
    manifest.policy(&"production".parse().unwrap()).notify
}

#[test]
fn each_is_told_in_its_own_way() {
    let all = told(
        "[{ webhook: \"https://ci.example.com/hook\", token: HOOK_TOKEN }, { chat: CHAT_HOOK, on: failed }, \
         { mail: ops@example.com, server: \"smtp://mail.example.com:587\", from: t@example.com, user: t, password: SMTP, \
           on: [waiting, taken-back] }]",
    );
    let url = Place::Url("https://ci.example.com/hook".to_owned());
    assert_eq!(
        all[0],
        Notify { to: NotifyTo::Webhook { url, token: Some("HOOK_TOKEN".to_owned()) }, on: vec![] }
    );
    let url = Place::Secret("CHAT_HOOK".to_owned());
    assert_eq!(all[1], Notify { to: NotifyTo::Chat { url }, on: vec![Occasion::Failed] });
    let mail = NotifyTo::Mail {
        to: vec!["ops@example.com".to_owned()],
        from: "t@example.com".to_owned(),
        server: "smtp://mail.example.com:587".to_owned(),
        login: Some(("t".to_owned(), "SMTP".to_owned())),
    };
    assert_eq!(all[2], Notify { to: mail, on: vec![Occasion::Waiting, Occasion::TakenBack] });
}

#[test]
fn nobody_is_told_where_nobody_is_named() {
    assert_eq!(told("[]"), []);
}

#[test]
fn there_is_an_end_to_how_many_are_told() {
    let many = ["{ chat: CHAT_HOOK }"; Notify::MOST + 1].join(", ");
    let text = format!(
        "app: shop\nservices: {{ web: {{ run: x }} }}\nenvironments: {{ p: {{ branch: main, notify: [{many}] }} }}\n"
    );
    let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
    assert!(manifest.is_none());
    assert!(diagnostics[0].message.contains("11 are more than the 10"), "{diagnostics:?}");
}
