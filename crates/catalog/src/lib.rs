//! Every message on the bus, declared once.
