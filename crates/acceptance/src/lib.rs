//! The whole, black-box: drives the binaries.
