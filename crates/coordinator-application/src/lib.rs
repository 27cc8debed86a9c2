//! The registry of services: register, heartbeat, timeout, discovery.
