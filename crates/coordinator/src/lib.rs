//! The frame that coordinators live in: routes, lanes, authorisation, settings, supervision, health.
