//! Everything Tidegate remembers, in SQLite.
