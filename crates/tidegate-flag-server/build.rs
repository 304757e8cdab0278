//! Makes the messages and services of `proto/`, without a `protoc` on the machine.

use std::error::Error;

const FILES: [&str; 3] = ["flagd/evaluation_v1.proto", "flagd/evaluation_v2.proto", "flagd/sync_v1.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure().build_client(false).build_transport(false).compile_fds(descriptors)?;
    Ok(())
}
