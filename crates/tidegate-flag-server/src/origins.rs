//! Which pages of other origins a browser lets ask. Keys are sent in headers by the page itself, never in cookies: so any
//! origin may ask unless it is said which.

use http::HeaderValue;

/// The origins whose pages may ask.
#[derive(Clone, Debug, Default)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    /// Any origin.
    pub fn any() -> Self {
        Origins::default()
    }

    /// These only, like `https://shop.example`; an error is the one that is no origin.
    pub fn only(origins: &[String]) -> Result<Self, String> {
        let parse = |origin: &String| {
            let (_, host) = origin.split_once("://")?;
            (!host.is_empty() && !host.contains('/')).then(|| HeaderValue::from_str(origin).ok())?
        };
        let all = origins.iter().map(|origin| parse(origin).ok_or_else(|| origin.clone()));
        all.collect::<Result<_, _>>().map(Origins)
    }

    /// What a page of this origin is told; `None` where it may not ask.
    pub(crate) fn answer(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return Some(HeaderValue::from_static("*"));
        }
        self.0.iter().find(|allowed| *allowed == origin).cloned()
    }

    /// Whether somebody named this one.
    pub(crate) fn name(&self, origin: &HeaderValue) -> bool {
        self.0.contains(origin)
    }

    /// Whether the answer differs by origin.
    pub(crate) fn differ(&self) -> bool {
        !self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_or_those_that_are_named() {
        let page = HeaderValue::from_static("https://shop.example");
        assert_eq!(Origins::any().answer(&page).unwrap(), "*");
        let only = Origins::only(&["https://shop.example".to_owned()]).unwrap();
        assert_eq!(only.answer(&page).unwrap(), page);
        assert_eq!(only.answer(&HeaderValue::from_static("https://evil.example")), None);
        assert!(Origins::only(&["shop.example".to_owned()]).is_err());
        assert!(Origins::only(&["https://shop.example/".to_owned()]).is_err());
    }
}
