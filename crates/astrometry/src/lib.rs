//! Time scales, frames, precession, sidereal time, refraction, Sun and Moon. Pure.
