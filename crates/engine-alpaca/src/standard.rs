//! The names and numbers of the Alpaca standard (ASCOM Alpaca Device API v1, Management API v1, API reference), in one place.

/// The UDP port of discovery.
pub const DISCOVERY_PORT: u16 = 32227;
/// The question of discovery.
pub const DISCOVERY_QUESTION: &[u8] = b"alpacadiscovery1";
/// The IPv6 multicast group of discovery.
pub const DISCOVERY_GROUP: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0xa1, 0x9aca);
/// The field of discovery's answer.
pub const ALPACA_PORT: &str = "AlpacaPort";

/// Error numbers that we act upon.
pub mod numbers {
    /// The property or method is not implemented.
    pub const NOT_IMPLEMENTED: i64 = 0x400;
    /// A value is out of range.
    pub const INVALID_VALUE: i64 = 0x401;
    /// The device is not connected.
    pub const NOT_CONNECTED: i64 = 0x407;
    /// The mount is parked.
    pub const INVALID_WHILE_PARKED: i64 = 0x408;
    /// Not possible now.
    pub const INVALID_OPERATION: i64 = 0x40B;
    /// The action is not implemented.
    pub const ACTION_NOT_IMPLEMENTED: i64 = 0x40C;
}

/// Parts of addresses, in lower case as the standard demands.
pub mod methods {
    #![expect(missing_docs, reason = "each name is the standard's own, in lower case")]
    pub const ABORT_SLEW: &str = "abortslew";
    pub const ALTITUDE: &str = "altitude";
    pub const AT_HOME: &str = "athome";
    pub const AT_PARK: &str = "atpark";
    pub const AZIMUTH: &str = "azimuth";
    pub const CAN_FIND_HOME: &str = "canfindhome";
    pub const CAN_PARK: &str = "canpark";
    pub const CAN_SET_TRACKING: &str = "cansettracking";
    pub const CAN_SLEW_ALT_AZ_ASYNC: &str = "canslewaltazasync";
    pub const CAN_SLEW_ASYNC: &str = "canslewasync";
    pub const CAN_SYNC: &str = "cansync";
    pub const CAN_UNPARK: &str = "canunpark";
    pub const CONNECT: &str = "connect";
    pub const CONNECTED: &str = "connected";
    pub const CONNECTING: &str = "connecting";
    pub const DECLINATION: &str = "declination";
    pub const DESCRIPTION: &str = "description";
    pub const DEVICE_STATE: &str = "devicestate";
    pub const DISCONNECT: &str = "disconnect";
    pub const DRIVER_INFO: &str = "driverinfo";
    pub const DRIVER_VERSION: &str = "driverversion";
    pub const EQUATORIAL_SYSTEM: &str = "equatorialsystem";
    pub const PARK: &str = "park";
    pub const RIGHT_ASCENSION: &str = "rightascension";
    pub const SIDEREAL_TIME: &str = "siderealtime";
    pub const SITE_ELEVATION: &str = "siteelevation";
    pub const SITE_LATITUDE: &str = "sitelatitude";
    pub const SITE_LONGITUDE: &str = "sitelongitude";
    pub const SLEWING: &str = "slewing";
    pub const SLEW_TO_ALT_AZ_ASYNC: &str = "slewtoaltazasync";
    pub const SLEW_TO_COORDINATES_ASYNC: &str = "slewtocoordinatesasync";
    pub const TRACKING: &str = "tracking";
    pub const UNPARK: &str = "unpark";
    pub const UTC_DATE: &str = "utcdate";
}

/// The management addresses.
pub mod management {
    /// The versions of the API that a server speaks.
    pub const API_VERSIONS: &str = "/management/apiversions";
    /// What the server says of itself.
    pub const DESCRIPTION: &str = "/management/v1/description";
    /// The devices that it serves.
    pub const CONFIGURED_DEVICES: &str = "/management/v1/configureddevices";
}

/// Parameters of `PUT`, whose case matters.
pub mod parameters {
    #![expect(missing_docs, reason = "each name is the standard's own")]
    pub const ALTITUDE: &str = "Altitude";
    pub const AZIMUTH: &str = "Azimuth";
    pub const CLIENT_ID: &str = "ClientID";
    pub const CLIENT_TRANSACTION_ID: &str = "ClientTransactionID";
    pub const CONNECTED: &str = "Connected";
    pub const DECLINATION: &str = "Declination";
    pub const RIGHT_ASCENSION: &str = "RightAscension";
    pub const TRACKING: &str = "Tracking";
}

/// Fields of answers.
pub mod fields {
    #![expect(missing_docs, reason = "each name is the standard's own")]
    pub const DEVICE_NAME: &str = "DeviceName";
    pub const DEVICE_NUMBER: &str = "DeviceNumber";
    pub const DEVICE_TYPE: &str = "DeviceType";
    pub const ERROR_MESSAGE: &str = "ErrorMessage";
    pub const ERROR_NUMBER: &str = "ErrorNumber";
    pub const NAME: &str = "Name";
    pub const SERVER_NAME: &str = "ServerName";
    pub const UNIQUE_ID: &str = "UniqueID";
    pub const VALUE: &str = "Value";
}
