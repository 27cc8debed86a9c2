//! PostgreSQL: a private cluster or a given database; the only room with SQL.
