//! The first files of a coordinator.

use super::{Name, Skeleton, manifest};

pub(super) fn draw(name: &Name) -> Skeleton {
    let package = format!("coordinator-{}", name.dashed);
    Skeleton {
        files: vec![(format!("crates/{package}/Cargo.toml"), manifest(&package, "x"))],
        left: vec!["x".to_owned()],
    }
}
