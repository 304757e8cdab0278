//! The policies that come with Tidegate, and the schema that all policies are checked against.

/// What policies can speak of, in Cedar's own words.
pub const SCHEMA: &str = include_str!("../policies/schema.cedarschema");

/// The five roles.
pub(crate) const ROLES: (&str, &str) = ("roles.cedar", include_str!("../policies/roles.cedar"));

/// Policies that come with Tidegate and are in force where somebody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Optional {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them.
pub const OPTIONAL: [Optional; 2] = [
    Optional { name: "author-approver", text: include_str!("../policies/optional/author-approver.cedar") },
    Optional { name: "deploy-release", text: include_str!("../policies/optional/deploy-release.cedar") },
];
