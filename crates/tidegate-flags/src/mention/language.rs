//! Languages with an OpenFeature client, and how their calls are spelled.

/// A language whose calls are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// JavaScript and TypeScript, pages included.
    Script,
    /// Python.
    Python,
    /// Go.
    Go,
    /// Java, Kotlin and others on its machine.
    Java,
    /// C# and others of .NET.
    DotNet,
    /// Ruby.
    Ruby,
    /// PHP.
    Php,
    /// Rust.
    Rust,
    /// Swift.
    Swift,
    /// Dart.
    Dart,
}

/// What the values of a call are called.
const KINDS: [&str; 13] = [
    "boolean",
    "bool",
    "string",
    "number",
    "integer",
    "int",
    "long",
    "float",
    "double",
    "decimal",
    "object",
    "struct",
    "structure",
];
/// What comes behind it.
const GIVES: [&str; 8] =
    ["value", "details", "valuedetails", "flagvalue", "flagdetails", "flag", "valueasync", "detailsasync"];

impl Language {
    /// By the ending of a file's name.
    pub fn of(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next()?;
        Some(match name.rsplit_once('.')?.1 {
            "js" | "jsx" | "mjs" | "cjs" | "ts" | "tsx" | "mts" | "cts" | "vue" | "svelte" | "astro"
            | "html" => Language::Script,
            "py" | "pyi" => Language::Python,
            "go" => Language::Go,
            "java" | "kt" | "kts" | "scala" | "groovy" => Language::Java,
            "cs" | "fs" | "vb" | "cshtml" | "razor" => Language::DotNet,
            "rb" | "erb" | "rake" => Language::Ruby,
            "php" => Language::Php,
            "rs" => Language::Rust,
            "swift" => Language::Swift,
            "dart" => Language::Dart,
            _ => return None,
        })
    }

    /// Before which argument the key stands: in Go a context comes first.
    pub(super) fn key_at(self) -> usize {
        usize::from(self == Language::Go)
    }

    /// Whether a function of this name evaluates a flag.
    pub(super) fn evaluates(self, name: &str) -> bool {
        match self {
            Language::Script if matches!(name, "useFlag" | "useSuspenseFlag") => return true,
            Language::Swift if matches!(name, "getValue" | "getDetails") => return true,
            _ => {}
        }
        let plain: String = name.chars().filter(|c| *c != '_').map(|c| c.to_ascii_lowercase()).collect();
        let begins: &[&str] = match self {
            Language::Script => &["get", "use", "usesuspense"],
            Language::Go => &[""],
            Language::Ruby => &["fetch"],
            Language::Python
            | Language::Java
            | Language::DotNet
            | Language::Php
            | Language::Rust
            | Language::Swift
            | Language::Dart => &["get"],
        };
        begins.iter().filter_map(|begin| plain.strip_prefix(begin)).any(is_typed)
    }
}

/// `booleanvalue`, `stringdetails`, …
fn is_typed(name: &str) -> bool {
    let rest = KINDS.iter().filter_map(|kind| name.strip_prefix(kind));
    rest.into_iter().any(|rest| GIVES.contains(&rest))
}
