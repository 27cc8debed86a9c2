//! A client that we did not write: Python's grpcio.
