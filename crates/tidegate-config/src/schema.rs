//! The JSON Schema of `tidegate.yaml`, from the types the manifest is read into.

use schemars::generate::SchemaSettings;

use crate::raw::RawManifest;

/// The schema (draft 2020-12), for editors and for `tidegate schema`.
pub fn schema() -> serde_json::Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = generator.into_root_schema_for::<RawManifest>();
    schema.insert("title".to_owned(), "tidegate.yaml".into());
    schema.into()
}
