//! What stands for what is known only in a rollout: `{revision}` in a query, `{address}` in a URL.

/// What a check's texts can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The app.
    pub app: String,
    /// The environment.
    pub environment: String,
    /// The service.
    pub service: String,
    /// The candidate.
    pub revision: String,
    /// The stable revision.
    pub stable: String,
    /// Host and port of an instance of the candidate that is ready; `None`: there is none.
    pub address: Option<String>,
}

impl Places {
    /// Every name there is.
    pub const NAMES: [&str; 7] = ["app", "environment", "service", "arm", "revision", "stable", "address"];

    /// The text with all of them filled in. Braces around anything else are left alone: PromQL has its own.
    ///
    /// # Errors
    /// It names what is not known just now.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('{') {
            let (before, behind) = rest.split_at(at);
            filled.push_str(before);
            let named = behind[1..].split_once('}').map(|(name, _)| name);
            let Some(name) = named.filter(|name| Self::NAMES.contains(name)) else {
                filled.push('{');
                rest = &behind[1..];
                continue;
            };
            let value = self.value(name).ok_or_else(|| format!("there is no {{{name}}} now"))?;
            filled.push_str(value);
            rest = &behind[name.len() + 2..];
        }
        Ok(filled + rest)
    }

    /// Everything by its name, for a command's environment.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
        Self::NAMES.into_iter().filter_map(|name| Some((name, self.value(name)?)))
    }

    fn value(&self, name: &str) -> Option<&str> {
        match name {
            "app" => Some(&self.app),
            "environment" => Some(&self.environment),
            "service" => Some(&self.service),
            "arm" => Some("candidate"),
            "revision" => Some(&self.revision),
            "stable" => Some(&self.stable),
            "address" => self.address.as_deref(),
            _ => None,
        }
    }
}
