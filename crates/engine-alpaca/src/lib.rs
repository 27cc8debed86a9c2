//! ASCOM Alpaca devices: discovery, connection, motion, health.
