//! The bus itself: broker status, system-wide health, message flow, dead letters.
