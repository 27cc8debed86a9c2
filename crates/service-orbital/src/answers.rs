//! The answers, each from a request and what is known to a message; nothing here knows of connections.

pub(crate) mod approaches;
pub(crate) mod earlier;
pub(crate) mod passes;
pub(crate) mod positions;
pub(crate) mod register;
pub(crate) mod track;
pub(crate) mod watch;
