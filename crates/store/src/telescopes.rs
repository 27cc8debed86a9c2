//! What the telescope coordinator keeps: sites, telescopes, devices, and which device has which role on which telescope.

pub mod configurations;
pub mod devices;
pub mod roles;
pub mod sites;

use crate::StoreError;

/// Declares an enumeration whose words are those of a column.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in the table.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str(self.as_str()) }
        }

        impl std::str::FromStr for $name {
            type Err = StoreError;
            fn from_str(text: &str) -> Result<Self, StoreError> {
                Self::ALL.iter().copied().find(|one| one.as_str() == text).ok_or_else(|| {
                    StoreError::invalid(format!("{text:?} is not one of {}", [$($word),*].join(", ")))
                })
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Whom a telescope belongs to.
    OwnerType {
        /// One account.
        User = "user",
        /// All members of a group.
        Group = "group",
    }
}

words! {
    /// How a mount moves.
    MountType {
        /// In altitude and azimuth.
        Altaz = "altaz",
        /// Around the pole.
        Equatorial = "equatorial",
        /// In altitude and azimuth, by hand or with a simple drive.
        Dobsonian = "dobsonian",
    }
}

words! {
    /// What a device does for a telescope; one device for each.
    Role {
        /// Points.
        Telescope = "telescope",
        /// Takes images.
        Camera = "camera",
        /// Opens and turns.
        Dome = "dome",
        /// Focuses.
        Focuser = "focuser",
        /// Changes filters.
        Filterwheel = "filterwheel",
        /// Turns the camera.
        Rotator = "rotator",
        /// Switches power and other things.
        Switch = "switch",
        /// Says whether it is safe.
        Safety = "safety",
        /// Measures the weather.
        Observingconditions = "observingconditions",
        /// Covers the tube and lights it.
        Covercalibrator = "covercalibrator",
    }
}

/// What an identifier of ours in a row is read as.
fn id_of<T: TryFrom<String, Error = vocabulary::ids::NotAnId>>(text: String) -> Result<T, StoreError> {
    T::try_from(text).map_err(|e| StoreError::unreadable("telescopes", e))
}
