//! Position and velocity of a satellite, in a frame that is a type.

use std::marker::PhantomData;

/// A frame that a [`State`] can be in.
pub trait Frame: Copy + Send + Sync + 'static {
    /// Its usual name, as `TEME`.
    const NAME: &'static str;
}

macro_rules! frames {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name;
        impl Frame for $name {
            const NAME: &'static str = $text;
        }
    )* };
}

frames! {
    /// True equator, mean equinox of date: what SGP4 computes in (Vallado et al., AIAA 2006-6753, appendix C).
    Teme = "TEME";
    /// Pseudo-Earth-fixed: TEME turned by GMST 1982; the Earth's axis is the celestial pole of date, without polar motion.
    Pef = "PEF";
    /// International Terrestrial Reference Frame: PEF with polar motion.
    Itrf = "ITRF";
    /// Geocentric Celestial Reference Frame; J2000 within 0.03 arcseconds.
    Gcrs = "GCRS";
}

/// Position in kilometres and velocity in kilometres a second, from the Earth's centre, along the axes of `F`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct State<F: Frame> {
    /// x, y, z in kilometres.
    pub position_km: [f64; 3],
    /// x, y, z in kilometres a second, as seen in the frame (in an Earth-fixed frame: over the turning ground).
    pub velocity_km_s: [f64; 3],
    frame: PhantomData<F>,
}

impl<F: Frame> State<F> {
    /// A state in this frame.
    pub const fn new(position_km: [f64; 3], velocity_km_s: [f64; 3]) -> Self {
        Self { position_km, velocity_km_s, frame: PhantomData }
    }
}
