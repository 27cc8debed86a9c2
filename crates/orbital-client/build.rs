//! Generates messages, client and server from the contract; the compiler of protobuf is a crate, so that no `protoc` is needed.

use std::{env, error::Error, fs, path::PathBuf};

use prost::Message as _;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/orbital.proto");
    let contract = protox::compile(["proto/orbital.proto"], ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("orbital.bin"), contract.encode_to_vec())?;
    tonic_prost_build::configure().compile_fds(contract)?;
    Ok(())
}
