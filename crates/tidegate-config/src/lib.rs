//! tidegate.yaml and Procfile: text to validated model, with diagnostics as data.
