//! The embedded MQTT broker behind an API and listeners of our own.
