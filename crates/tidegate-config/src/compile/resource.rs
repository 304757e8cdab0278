//! Backing services: what is known of each becomes variables, so that another one takes its place without a new build.

use std::collections::BTreeMap;

use tidegate_core::model::Name;

use crate::raw::{Field, Named, RawEnv};

/// The variables of resources, each as a whole by the last layer that has it: `db: { url: … }` is `DB_URL`.
pub(super) fn variables(layers: [&Field<Named<RawEnv>>; 2]) -> BTreeMap<String, String> {
    let mut resources: BTreeMap<&Name, &RawEnv> = BTreeMap::new();
    for resource in layers.into_iter().filter_map(Field::value).flat_map(|named| &named.0) {
        if let Some(known) = resource.value.value() {
            resources.insert(&resource.name, known);
        }
    }
    let of = |(name, known): (&Name, &RawEnv)| {
        let name = name.as_str().replace('-', "_");
        let all =
            known.0.iter().map(|(key, value)| (format!("{name}_{key}").to_ascii_uppercase(), value.clone()));
        all.collect::<Vec<_>>()
    };
    resources.into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use crate::{Manifest, Source, load};

    fn env(text: &str, environment: &str) -> String {
        let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
        let manifest: Manifest = manifest.unwrap_or_else(|| panic!("{diagnostics:?}"));
        let resolved = manifest.resolve(&environment.parse().unwrap(), &Default::default()).unwrap();
        let web = &resolved.services[&"web".parse().unwrap()];
        web.env.iter().map(|(name, value)| format!("{name}={value} ")).collect()
    }

    const SHOP: &str = "app: shop
services: { web: { run: serve } }
resources: { main-db: { url: \"${secret.db_url}\", pool: 5 }, cache: { url: redis://a } }
env: { CACHE_URL: redis://b }
environments:
  staging: { resources: { main-db: { url: sqlite } } }
  production: {}
";

    #[test]
    fn what_is_known_of_a_resource_is_variables_that_env_wins_over() {
        assert_eq!(
            env(SHOP, "production"),
            "CACHE_URL=redis://b MAIN_DB_POOL=5 MAIN_DB_URL=${secret.db_url} "
        );
        assert_eq!(env(SHOP, "staging"), "CACHE_URL=redis://b MAIN_DB_URL=sqlite ", "as a whole");
    }

    #[test]
    fn a_broken_reference_is_a_mistake_that_quotes_no_value() {
        let text = SHOP.replace("redis://b", "\"redis://:hunter2@${secret.x\"");
        let (manifest, diagnostics) = load(&Source::new("tidegate.yaml", text));
        assert!(manifest.is_none());
        assert_eq!(diagnostics[0].code, "manifest::bad-reference");
        assert!(!format!("{diagnostics:?}").contains("hunter2"));
    }

    #[test]
    fn a_step_names_its_secrets() {
        let step = "pipeline: { stages: { test: { steps: [{ run: t, env: { A: \"${secret.x}\" } }] }, deploy: deploy } }\n";
        let (_, diagnostics) = load(&Source::new("tidegate.yaml", SHOP.to_owned() + step));
        assert_eq!(diagnostics[0].code, "manifest::step-reference");
    }
}
