//! Hands out the database: .pgpass, migrations, credentials over the bus.
