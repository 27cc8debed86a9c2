//! The database: pool, health, statistics, backup and restore, retention.
