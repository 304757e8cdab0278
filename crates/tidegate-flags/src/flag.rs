//! One flag, compiled.

use serde_json::Value;

use crate::Map;
use crate::context::Context;
use crate::file::Definition;
use crate::logic::{Compiler, Env, Node, Scope, Val};
use crate::resolution::{ErrorCode, Failure, Fault, Reason, Resolution};

/// Up to so many variants are looked at one after the other.
const FEW: usize = 8;

/// One flag, ready to be evaluated.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) key: Box<str>,
    /// As it is served, with flagd's words alone.
    pub(crate) definition: Definition,
    /// The set's metadata, overlaid by the flag's.
    pub(crate) metadata: Map,
    /// By name, in order.
    variants: Vec<(Box<str>, Value)>,
    default_variant: Option<usize>,
    pub(crate) rule: Rule,
}

/// What decides about a flag.
#[derive(Debug)]
pub(crate) enum Rule {
    /// Nothing: it is the same for everybody.
    None,
    Compiled(Node),
    /// What can not be understood.
    Broken(String),
}

impl Flag {
    pub(crate) fn compile(
        key: &str,
        definition: Definition,
        of_set: &Map,
        compiler: &mut Compiler<'_>,
    ) -> Self {
        let rule = match definition.targeting.as_ref().map(|rule| compiler.compile(rule)) {
            None => Rule::None,
            Some(Ok(node)) => Rule::Compiled(node),
            Some(Err(fault)) => Rule::Broken(fault.into_details().into_owned()),
        };
        let mut variants: Vec<(Box<str>, Value)> = definition
            .variants
            .iter()
            .map(|(name, value)| (Box::from(name.as_str()), value.clone()))
            .collect();
        // As they are looked for: a map of JSON need not have them in the order of their names.
        variants.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let default = definition.default_variant.as_deref();
        let default_variant =
            default.and_then(|default| variants.iter().position(|(name, _)| **name == *default));
        let mut metadata = of_set.clone();
        let own = definition.metadata.iter().filter(|(_, value)| !value.is_null());
        metadata.extend(own.map(|(name, value)| (name.clone(), value.clone())));
        Self { key: key.into(), definition, metadata, variants, default_variant, rule }
    }

    /// What the flag is for this context.
    pub(crate) fn resolve(&self, context: &Context, now_unix_s: i64) -> Result<Resolution<'_>, Failure> {
        if self.definition.disabled {
            return Ok(self.without_value(Reason::Disabled));
        }
        match &self.rule {
            Rule::None => Ok(self.default(Reason::Static)),
            Rule::Broken(why) => {
                Err(self.failure(Fault::parse(format!("the rule can not be understood: {why}"))))
            }
            Rule::Compiled(node) => {
                let env = Env::new(context, &self.key, now_unix_s);
                let value = node.evaluate(&env, &Scope::TOP).map_err(|fault| self.failure(fault))?;
                self.chosen(&value)
            }
        }
    }

    /// What the rule's value stands for.
    pub(crate) fn chosen(&self, value: &Val<'_>) -> Result<Resolution<'_>, Failure> {
        if value.is_null() {
            return Ok(self.default(Reason::Default));
        }
        let name = value.to_text();
        match self.place_of(&name) {
            Some(index) => Ok(self.variant(index, Reason::TargetingMatch)),
            None => Err(self.failure(Fault::general("the rule chose a variant that the flag does not have"))),
        }
    }

    /// Most flags have a few variants: their lengths alone tell most of them apart.
    #[inline]
    fn place_of(&self, name: &str) -> Option<usize> {
        if self.variants.len() <= FEW {
            return self.variants.iter().position(|(variant, _)| **variant == *name);
        }
        self.variants.binary_search_by(|(variant, _)| (**variant).cmp(name)).ok()
    }

    /// The value of the default variant.
    pub(crate) fn default_value(&self) -> Option<&Value> {
        self.default_variant.map(|index| &self.variants[index].1)
    }

    fn default(&self, reason: Reason) -> Resolution<'_> {
        match self.default_variant {
            Some(index) => self.variant(index, reason),
            None => self.without_value(Reason::Default),
        }
    }

    fn variant(&self, index: usize, reason: Reason) -> Resolution<'_> {
        let (name, value) = &self.variants[index];
        Resolution { value: Some(value), variant: Some(name), reason, metadata: &self.metadata }
    }

    fn without_value(&self, reason: Reason) -> Resolution<'_> {
        Resolution { value: None, variant: None, reason, metadata: &self.metadata }
    }

    fn failure(&self, fault: Fault) -> Failure {
        let code = fault.code();
        let details = match code {
            ErrorCode::ParseError => fault.into_details().into_owned(),
            _ => format!("{} (flag `{}`)", fault.into_details(), self.key),
        };
        Failure { code, details, metadata: self.metadata.clone() }
    }
}
