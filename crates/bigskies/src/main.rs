//! One binary, roles by name.
fn main() {}
