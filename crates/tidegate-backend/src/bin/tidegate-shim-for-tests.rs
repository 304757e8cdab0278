//! The shim alone, for this crate's own tests: `tidegate-shim-for-tests --dir DIR`. Users run it as `tidegate shim`.

fn main() -> std::process::ExitCode {
    let dir = std::env::args_os().nth(2).unwrap_or_default();
    let code = tidegate_backend::process::shim_main(dir.as_ref());
    std::process::ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}
