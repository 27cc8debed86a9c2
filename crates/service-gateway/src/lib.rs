//! The HTTP face: health, metrics.
