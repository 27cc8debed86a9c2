//! Carries the messages of the catalogue over MQTT: ask, answer, tell, retain.
