//! Telescopes: configurations, devices, motion, safety.
