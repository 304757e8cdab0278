//! Asks flags by OpenFeature's SDK for Rust: `tidegate-flag-client ofrep ADDRESS QUESTIONS [KEY]`.
//!
//! A question is [type, flag, default, context]. Prints the answers as a line of JSON; its provider hears of no changes. The SDK
//! takes no default: who asks has an error, and what to do then, which here is to take the default.

use std::env::args;

use http::header::{HeaderMap, HeaderValue};
use open_feature::{
    Client, EvaluationContext, EvaluationDetails, EvaluationErrorCode, EvaluationResult, OpenFeature,
    StructValue, Value as Found,
};
use open_feature_ofrep::{OfrepOptions, OfrepProvider};
use serde_json::{Map, Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let [kind, address, asked] = [1, 2, 3].map(|at| args().nth(at).expect("KIND ADDRESS QUESTIONS"));
    assert_eq!(kind, "ofrep", "there is no other provider here");
    let mut headers = HeaderMap::new();
    if let Some(key) = args().nth(4) {
        headers.insert("x-api-key", HeaderValue::from_str(&key).expect("a key is visible text"));
    }
    let options = OfrepOptions { base_url: format!("http://{address}"), headers, ..Default::default() };
    let provider = OfrepProvider::new(options).await.expect("a provider of this address");
    OpenFeature::singleton_mut().await.set_provider(provider).await;
    let client = OpenFeature::singleton().await.create_client();
    let questions: Vec<(String, String, Value, Value)> = serde_json::from_str(&asked).expect("questions");
    let mut answers = Vec::new();
    for (kind, flag, default, context) in questions {
        answers.push(ask(&client, &kind, &flag, default, &context_of(&context)).await);
    }
    println!("{}", Value::from(answers));
}

async fn ask(client: &Client, kind: &str, flag: &str, default: Value, context: &EvaluationContext) -> Value {
    let context = Some(context);
    match kind {
        "boolean" => answer(client.get_bool_details(flag, context, None).await, default),
        "string" => answer(client.get_string_details(flag, context, None).await, default),
        "integer" => answer(client.get_int_details(flag, context, None).await, default),
        "float" => answer(client.get_float_details(flag, context, None).await, default),
        "object" => answer(client.get_struct_details::<StructValue>(flag, context, None).await, default),
        _ => panic!("no type of a flag: {kind}"),
    }
}

fn answer<T: Into<Found>>(result: EvaluationResult<EvaluationDetails<T>>, default: Value) -> Value {
    match result {
        Ok(found) => json!({
            "value": json_of(found.value.into()),
            "reason": found.reason.map(|reason| reason.to_string()),
            "variant": found.variant,
            "errorCode": null,
        }),
        Err(error) => {
            json!({ "value": default, "reason": null, "variant": null, "errorCode": code(&error.code) })
        }
    }
}

/// As the specification has it; the SDK shows a general error as its message.
fn code(code: &EvaluationErrorCode) -> String {
    match code {
        EvaluationErrorCode::General(_) => "GENERAL".to_owned(),
        code => code.to_string(),
    }
}

fn json_of(found: Found) -> Value {
    match found {
        Found::Bool(value) => value.into(),
        Found::Int(value) => value.into(),
        Found::Float(value) => value.into(),
        Found::String(value) => value.into(),
        Found::Array(values) => values.into_iter().map(json_of).collect(),
        Found::Struct(value) => {
            let fields = value.fields.into_iter().map(|(name, value)| (name, json_of(value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}

fn context_of(asked: &Value) -> EvaluationContext {
    let mut context = EvaluationContext::default();
    for (name, value) in asked.as_object().expect("a context is an object") {
        let text = value.as_str().expect("no question has anything but text in its context");
        context = match name.as_str() {
            "targetingKey" => context.with_targeting_key(text),
            _ => context.with_custom_field(name, text),
        };
    }
    context
}
