//! `tidegate preview`, `tidegate env`, and what `status` says of them.

use serde_json::{Value, json};
use tidegate_core::view::PreviewList;

use crate::served::{Served, view};
use crate::stub::Answers;

fn preview(app: &str, slug: &str, leaving: Value) -> Value {
    json!({ "app": app, "environment": format!("preview-{slug}"), "base": "preview", "branch": format!("feature/{slug}"),
            "urls": [format!("http://{slug}.{app}.localhost:8080/")], "commit": "0123456789abcdef",
            "pushed": "2026-11-23T09:14:00.000Z", "goes": "2026-11-26T09:14:00.000Z", "leaving": leaving })
}

fn served(previews: &[Value]) -> Served {
    let list: PreviewList = view(json!({ "previews": previews }));
    Served::new(Answers { previews: Some(list), ..Answers::default() })
}

#[test]
fn previews_are_listed_with_where_they_are_and_when_they_go() {
    let none = served(&[]);
    insta::assert_snapshot!(none.type_in(&["preview", "list"]));
    let two =
        served(&[preview("shop", "cart", json!("ann asked for it")), preview("shop", "login", Value::Null)]);
    insta::assert_snapshot!(two.type_in(&["preview", "list"]));
}

#[test]
fn a_preview_is_stopped_by_its_environment_or_its_branch_and_never_another_one() {
    let served = served(&[
        preview("shop", "login", Value::Null),
        preview("blog", "login", Value::Null),
        preview("blog", "cart", Value::Null),
    ]);
    insta::assert_snapshot!(served.type_in(&["preview", "stop", "feature/cart"]));
    insta::assert_snapshot!(served.type_in(&["preview", "stop", "feature/pay"]));
    insta::assert_snapshot!(served.type_in(&["preview", "stop", "feature/login"]));
    let called: Vec<String> =
        served.stub.called().into_iter().filter(|call| call.starts_with("environment")).collect();
    assert_eq!(called.len(), 1, "{called:?}");
    assert!(called[0].starts_with("environment_remove Some(Name(\"preview-cart\"))"), "{called:?}");
}
