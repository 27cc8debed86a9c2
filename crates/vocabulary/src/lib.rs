//! Values that cross rooms: ids, angles, coordinates, time, permissions, faults. No I/O and no async lives here.

pub mod angles;
pub mod coordinates;
pub mod fault;
pub mod ids;
pub mod permissions;
pub mod scopes;
pub mod time;

pub use angles::{Altitude, Azimuth, Declination, Latitude, Longitude, RightAscension};
pub use coordinates::{Equatorial, Equinox, Horizontal};
pub use fault::{Code, Fault};
pub use permissions::Permission;
pub use scopes::{NotAScope, Scopes};
pub use time::{Clock, Timestamp};
