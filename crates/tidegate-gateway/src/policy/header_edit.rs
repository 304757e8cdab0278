//! Changes of header fields. The fields that frame a message or speak in the gateway's name are nobody's to change.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};
use tidegate_core::model::HeaderEdit;

use super::PolicyError;

/// Of one connection (RFC 9110, 7.6.1), or of the message's framing.
const FRAMING: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const OURS: &str = "tidegate-";

/// What values may name.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    /// `{client}`.
    pub(super) client: IpAddr,
    /// `{host}`.
    pub(super) host: &'a str,
    /// `{request_id}`.
    pub(super) request_id: Option<&'a HeaderValue>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Edit {
    remove: Vec<HeaderName>,
    set: Vec<(HeaderName, Value)>,
    add: Vec<(HeaderName, Value)>,
}

/// A value, with what it names.
#[derive(Debug, PartialEq, Eq)]
enum Value {
    Fixed(HeaderValue),
    Template(Box<str>),
}

impl Edit {
    /// Of requests: `host` may be set, so that an app behind another name is asked by that name.
    pub(super) fn compile_request(model: &HeaderEdit) -> Result<Self, PolicyError> {
        let at = "request_headers";
        for name in model.remove.iter().chain(model.add.keys()) {
            if name == "host" {
                return Err(PolicyError::new(at, "a request has one `host`: it can only be set"));
            }
        }
        Edit::compile(at, model)
    }

    /// Of answers.
    pub(super) fn compile_response(model: &HeaderEdit) -> Result<Self, PolicyError> {
        Edit::compile("response_headers", model)
    }

    fn compile(at: &'static str, model: &HeaderEdit) -> Result<Self, PolicyError> {
        let remove = model.remove.iter().map(|name| field(at, name)).collect::<Result<_, _>>()?;
        Ok(Edit { remove, set: fields(at, &model.set)?, add: fields(at, &model.add)? })
    }

    /// Whether a value names the request's id.
    pub(super) fn names_request_id(&self) -> bool {
        let values = self.set.iter().chain(&self.add).map(|(_, value)| value);
        let mut templates = values.filter_map(|value| match value {
            Value::Template(text) => Some(text),
            Value::Fixed(_) => None,
        });
        templates.any(|text| text.contains("{request_id}"))
    }

    /// Makes the changes: takes away, sets, adds.
    pub(super) fn apply(&self, headers: &mut HeaderMap, facts: Facts<'_>) {
        for name in &self.remove {
            headers.remove(name);
        }
        for (name, value) in &self.set {
            match value.with(facts) {
                Some(value) => headers.insert(name.clone(), value),
                // Better no value than one that was meant to be replaced.
                None => headers.remove(name),
            };
        }
        for (name, value) in &self.add {
            if let Some(value) = value.with(facts) {
                headers.append(name.clone(), value);
            }
        }
    }
}

impl Value {
    fn with(&self, facts: Facts<'_>) -> Option<HeaderValue> {
        let text = match self {
            Value::Fixed(value) => return Some(value.clone()),
            Value::Template(text) => text,
        };
        let id = facts.request_id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let client = facts.client.to_canonical().to_string();
        // None of the three can hold a brace: what was put in is not read as a name again.
        let text =
            text.replace("{client}", &client).replace("{request_id}", id).replace("{host}", facts.host);
        HeaderValue::try_from(text).ok()
    }
}

fn fields(
    at: &'static str,
    named: &BTreeMap<String, String>,
) -> Result<Vec<(HeaderName, Value)>, PolicyError> {
    let compiled = named.iter().map(|(name, text)| Ok((field(at, name)?, value(at, name, text)?)));
    compiled.collect()
}

fn field(at: &'static str, name: &str) -> Result<HeaderName, PolicyError> {
    let wrong = |why: &str| PolicyError::new(at, format!("`{name}` {why}"));
    let parsed: HeaderName = name.parse().map_err(|_| wrong("is no name of a field"))?;
    if FRAMING.contains(&parsed.as_str()) {
        return Err(wrong("belongs to the connection or the body: it cannot be changed"));
    }
    if parsed.as_str().starts_with(OURS) {
        return Err(wrong("is the gateway's own: it cannot be changed"));
    }
    Ok(parsed)
}

fn value(at: &'static str, name: &str, text: &str) -> Result<Value, PolicyError> {
    let fixed = HeaderValue::try_from(text.trim());
    let fixed = fixed.map_err(|_| {
        PolicyError::new(at, format!("the value of `{name}` has a line break or a control character"))
    })?;
    let named = ["{client}", "{host}", "{request_id}"].iter().any(|name| text.contains(name));
    Ok(if named { Value::Template(text.trim().into()) } else { Value::Fixed(fixed) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(remove: &[&str], set: &[(&str, &str)], add: &[(&str, &str)]) -> HeaderEdit {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        HeaderEdit {
            remove: remove.iter().map(|name| (*name).to_owned()).collect(),
            set: map(set),
            add: map(add),
        }
    }

    #[test]
    fn takes_away_then_sets_then_adds() {
        let model = edit(
            &["x-a"],
            &[("x-b", "{client} {host} {request_id} {other}")],
            &[("x-a", "new"), ("x-c", "2")],
        );
        let compiled = Edit::compile_request(&model).unwrap();
        assert!(compiled.names_request_id());
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-a", "old"), ("x-b", "old"), ("x-b", "older"), ("x-c", "1")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let id = HeaderValue::from_static("id-1");
        let client = "::ffff:10.0.0.9".parse().unwrap();
        compiled.apply(&mut headers, Facts { client, host: "shop.test", request_id: Some(&id) });
        let all = |name: &str| -> Vec<_> {
            headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
        };
        assert_eq!(all("x-a"), ["new"]);
        assert_eq!(all("x-b"), ["10.0.0.9 shop.test id-1 {other}"]);
        assert_eq!(all("x-c"), ["1", "2"]);
    }

    #[test]
    fn what_is_not_to_be_changed() {
        for name in
            ["connection", "Transfer-Encoding", "content-length", "te", "tidegate-arm", "a b", "", "x\r\ny"]
        {
            for model in
                [edit(&[name], &[], &[]), edit(&[], &[(name, "v")], &[]), edit(&[], &[], &[(name, "v")])]
            {
                assert!(Edit::compile_request(&model).is_err(), "{name:?}");
                assert!(Edit::compile_response(&model).is_err(), "{name:?}");
            }
        }
        for value in ["a\r\nset-cookie: b", "a\nb", "a\0b"] {
            assert!(Edit::compile_response(&edit(&[], &[("x-a", value)], &[])).is_err(), "{value:?}");
        }
        assert!(Edit::compile_request(&edit(&[], &[("host", "other")], &[])).is_ok());
        assert!(Edit::compile_request(&edit(&["host"], &[], &[])).is_err());
        assert!(Edit::compile_request(&edit(&[], &[], &[("host", "other")])).is_err());
    }
}
