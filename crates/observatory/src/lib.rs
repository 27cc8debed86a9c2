//! The monitoring stack around the platform: one typed configuration, what is rendered from it, what runs it, and the commands for it.

pub mod backup;
pub mod cli;
pub mod commands;
pub mod configuration;
pub mod discovery;
pub mod export;
pub mod failure;
pub mod files;
pub mod import;
pub mod output;
pub mod plan;
pub mod ports;
pub mod prometheus;
pub mod proof;
pub mod redaction;
pub mod render;
pub mod runtime;
pub mod secrets;
pub mod stack;
