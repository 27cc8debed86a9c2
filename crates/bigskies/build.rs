//! How the program is linked.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // Where the program is loaded is written into its tables in a tenth of the room (DT_RELR, which glibc 2.36 and newer read): a
    // megabyte less in memory in each process.
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
