//! Who somebody is and what they may do: accounts, rights, tokens, keys, certificates, and the audit trail.

pub mod mosquitto;
