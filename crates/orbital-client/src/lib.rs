//! The contract of the orbital service over gRPC (`proto/orbital.proto`), and a client that reconnects.

mod client;
mod fault;
mod methods;
mod parts;
pub mod wire;

pub use client::{OrbitalClient, OrbitalClientOptions};
pub use fault::{fault_of, status_code};
pub use parts::{Parts, Watching};

/// Messages, client and server, generated from the contract.
#[expect(
    clippy::all,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated; the contract has the comments"
)]
pub mod proto {
    // What the generated code names, so that the manifest's lines are seen to be used.
    use {prost as _, tonic_prost as _};

    tonic::include_proto!("orbital");
}

/// The contract as `google.protobuf.FileDescriptorSet`, with what it imports: what reflection answers.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/orbital.bin"));
