//! The operating system behind safe calls: the one crate that may use unsafe code.
