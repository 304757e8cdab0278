//! One list of keys makes the struct, the JSON Schema and the reader.

/// Declares a map whose keys are all known. `merged` records are merged key by key with an environment's, `replaced`
/// ones are replaced whole. The words after `is` name the map in messages.
macro_rules! record {
    (
        $mode:ident
        $(#[$meta:meta])*
        $name:ident is $what:literal {
            $($(#[$doc:meta])* $field:ident: $type:ty,)*
        }
    ) => {
        #[derive(Clone, Debug, Default, schemars::JsonSchema)]
        $(#[$meta])*
        #[schemars(deny_unknown_fields)]
        pub(crate) struct $name {
            $($(#[$doc])* #[schemars(default)] pub(crate) $field: $crate::raw::field::Field<$type>,)*
        }

        impl $crate::raw::read::Read for $name {
            fn read(
                place: &$crate::raw::read::Place<'_>,
                findings: &mut $crate::findings::Findings<'_>,
            ) -> Option<Self> {
                const KEYS: &[&str] = &[$($crate::raw::record::key(stringify!($field))),*];
                let fields = $crate::raw::fields::Fields::open(place, $what, KEYS, findings)?;
                Some($name { $($field: fields.read($crate::raw::record::key(stringify!($field)), findings),)* })
            }

            $crate::raw::record::record!(@overlaid $mode $name $($field)*);
        }
    };
    (@overlaid merged $name:ident $($field:ident)*) => {
        fn overlaid(&self, over: &Self) -> Self {
            $name { $($field: self.$field.overlaid(&over.$field),)* }
        }
    };
    (@overlaid replaced $name:ident $($field:ident)*) => {};
}

pub(crate) use record;

/// The key of a field: a word of Rust's own is written `r#word` there.
pub(crate) const fn key(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}
