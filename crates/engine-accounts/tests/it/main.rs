//! Accounts, logins and rights over a PostgreSQL of their own.

#![expect(clippy::unwrap_used, reason = "a test ends where its stand is not as expected")]

mod factors;
mod guards;
mod lockout;
mod login;
mod people;
mod plugins;
mod random;
mod rights;
mod setup;
mod stand;
mod timing;
