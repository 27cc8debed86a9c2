//! Simulated devices that speak their true protocols and fail on request.
