//! What a coordinator asks of an engine: a name, a health, an orderly end. What an engine can do besides is its own.

use std::{future::Future, pin::Pin};

/// A future that may be sent and boxed, so that engines of different kinds stand in one list.
pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An engine as its coordinator sees it. Engines never touch the bus.
pub trait Engine: Send + Sync + 'static {
    /// The engine's name, as it stands in health reports.
    fn name(&self) -> &'static str;

    /// The last report, at once: an engine probes in a task of its own, so asking can never hang.
    fn health(&self) -> health::Report;

    /// Ends the engine's tasks and connections; a second call does nothing.
    fn stop(&self) -> Boxed<'_, ()>;
}
