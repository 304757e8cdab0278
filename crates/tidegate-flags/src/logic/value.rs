//! Values while a rule is evaluated: borrowed from the rule or the context wherever they can be.

use std::borrow::Cow;
use std::ptr;

use serde_json::Value;

use super::number;

/// One value. Numbers, lists and objects that come from JSON stay there.
#[derive(Clone, Debug)]
pub(crate) enum Val<'a> {
    Null,
    Bool(bool),
    Number(f64),
    /// Text of the rule or the context.
    Text(&'a str),
    /// Text put together.
    Made(Box<str>),
    /// A number, a list or an object; nothing else.
    Json(&'a Value),
    List(Box<[Val<'a>]>),
    /// The whole context, or what flagd adds to it: an object that is not empty.
    Whole,
}

/// A value by what it is.
pub(crate) enum Kind<'v> {
    Null,
    Bool(bool),
    Number(f64),
    Text(&'v str),
    List(Items<'v>),
    Object,
}

/// The items of a list, wherever they are.
#[derive(Clone, Copy)]
pub(crate) enum Items<'v> {
    Json(&'v [Value]),
    Made(&'v [Val<'v>]),
}

/// The items of a list, kept as long as the rule and the context.
pub(crate) enum List<'a> {
    Json(&'a [Value]),
    Made(Vec<Val<'a>>),
}

impl<'a> From<&'a Value> for Val<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::String(text) => Self::Text(text),
            Value::Number(_) | Value::Array(_) | Value::Object(_) => Self::Json(value),
        }
    }
}

impl<'a> Val<'a> {
    #[inline]
    pub(crate) fn kind(&self) -> Kind<'_> {
        match self {
            Self::Null => Kind::Null,
            Self::Bool(b) => Kind::Bool(*b),
            Self::Number(n) => Kind::Number(*n),
            Self::Text(text) => Kind::Text(text),
            Self::Made(text) => Kind::Text(text),
            Self::List(items) => Kind::List(Items::Made(items)),
            Self::Json(Value::Array(items)) => Kind::List(Items::Json(items)),
            Self::Json(Value::Number(n)) => Kind::Number(n.as_f64().unwrap_or(f64::NAN)),
            Self::Json(_) | Self::Whole => Kind::Object,
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    #[inline]
    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Made(text) => Some(text),
            _ => None,
        }
    }

    /// Whether a condition holds: null, false, 0, NaN, "" and what is empty do not.
    #[inline]
    pub(crate) fn is_true(&self) -> bool {
        match self.kind() {
            Kind::Null => false,
            Kind::Bool(b) => b,
            Kind::Number(n) => n != 0.0 && !n.is_nan(),
            Kind::Text(text) => !text.is_empty(),
            Kind::List(items) => items.len() > 0,
            Kind::Object => !matches!(self, Self::Json(Value::Object(members)) if members.is_empty()),
        }
    }

    /// Whether JavaScript calls it true: as [`Val::is_true`], but lists and objects always are.
    pub(crate) fn is_truthy_in_javascript(&self) -> bool {
        matches!(self.kind(), Kind::List(_) | Kind::Object) || self.is_true()
    }

    /// As JavaScript writes it into a string.
    pub(crate) fn to_text(&self) -> Cow<'_, str> {
        match self.kind() {
            Kind::Null => Cow::Borrowed("null"),
            Kind::Bool(true) => Cow::Borrowed("true"),
            Kind::Bool(false) => Cow::Borrowed("false"),
            Kind::Number(n) => Cow::Owned(number::to_text(n)),
            Kind::Text(text) => Cow::Borrowed(text),
            Kind::List(items) => Cow::Owned(items.to_text()),
            Kind::Object => Cow::Borrowed("[object Object]"),
        }
    }

    /// As JavaScript's unary plus sees it; NaN for what is no number. `None` for lists and objects.
    pub(crate) fn to_number(&self) -> Option<f64> {
        match self.kind() {
            Kind::Null => Some(0.0),
            Kind::Bool(b) => Some(f64::from(u8::from(b))),
            Kind::Number(n) => Some(n),
            Kind::Text(text) => Some(number::of_text(text)),
            Kind::List(_) | Kind::Object => None,
        }
    }

    /// `===`: lists and objects equal only themselves.
    pub(crate) fn is_identical(&self, other: &Val<'_>) -> bool {
        if let (Self::Json(a), Val::Json(b)) = (self, other)
            && !a.is_number()
        {
            return ptr::eq(*a, *b);
        }
        match (self.kind(), other.kind()) {
            (Kind::Null, Kind::Null) => true,
            (Kind::Bool(a), Kind::Bool(b)) => a == b,
            (Kind::Number(a), Kind::Number(b)) => a == b,
            (Kind::Text(a), Kind::Text(b)) => a == b,
            _ => false,
        }
    }

    /// The items, if this is a list.
    pub(crate) fn into_list(self) -> Option<List<'a>> {
        match self {
            Self::Json(Value::Array(items)) => Some(List::Json(items)),
            Self::List(items) => Some(List::Made(items.into_vec())),
            _ => None,
        }
    }

    /// A copy that borrows nothing. Numbers that JSON has no word for become null.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Number(n) => number::to_json(*n),
            Self::Text(text) => Value::String((*text).to_owned()),
            Self::Made(text) => Value::String(text.to_string()),
            Self::Json(value) => (*value).clone(),
            Self::List(items) => Value::Array(items.iter().map(Val::to_json).collect()),
            Self::Whole => Value::Object(serde_json::Map::new()),
        }
    }
}

impl<'a> List<'a> {
    pub(crate) fn get(&self, index: usize) -> Option<Val<'a>> {
        match self {
            Self::Json(items) => items.get(index).map(Val::from),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Json(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Val<'a>> {
        match self {
            Self::Json(items) => items.iter().map(Val::from).collect(),
            Self::Made(items) => items,
        }
    }
}

impl<'v> Items<'v> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Json(items) => items.len(),
            Self::Made(items) => items.len(),
        }
    }

    pub(crate) fn get(self, index: usize) -> Option<Val<'v>> {
        match self {
            Self::Json(items) => items.get(index).map(Val::from),
            Self::Made(items) => items.get(index).cloned(),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Val<'v>> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }

    fn to_text(self) -> String {
        let mut text = String::new();
        for (index, item) in self.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            if !item.is_null() {
                text.push_str(&item.to_text());
            }
        }
        text
    }
}
