//! What a coordinator is to the frame.

use std::{future::Future, sync::Arc};

use bus::Bus;
use catalog::Owner;
use engine::Engine;
use settings::Settings;
use store::Store;
use vocabulary::{Clock, Fault};

use crate::Routes;

/// A coordinator: an owner of messages with engines and settings.
pub trait Coordinator: Sized + Send + Sync + 'static {
    /// Whose messages it handles.
    const OWNER: Owner;
    /// Its settings besides the frame's.
    type Settings: Settings;
    /// What the composition root hands in: handles on what it runs, folders.
    type Given: Clone + Send + Sync + 'static;

    /// Starts the coordinator: its engines and what stands at its beginning. The bus is connected, no message is taken yet.
    fn start(start: Start<Self>) -> impl Future<Output = Result<Self, Fault>> + Send;

    /// The handlers of its messages; one for each command and notice of the catalogue.
    fn routes() -> Routes<Self>;

    /// Its engines, whose health is its own and which are stopped with it.
    fn engines(&self) -> Vec<Arc<dyn Engine>>;

    /// Puts changed settings into effect. What fails is undone by applying the old ones again.
    fn apply(&self, settings: &Self::Settings) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What runs besides handlers, until the frame ends it: watches, timers. When it returns an error the coordinator is started anew.
    fn work(self: Arc<Self>) -> impl Future<Output = Result<(), Fault>> + Send {
        std::future::pending()
    }

    /// What it knows of its own health besides its engines'.
    fn health(&self) -> Vec<health::Report> {
        Vec::new()
    }

    /// What a thing that a message names lies in, as rights name it (`telescope:t1`, `organisation:o1`): a right in one of them is enough,
    /// and what one of them denies is denied.
    fn within(&self, _named: &str) -> Vec<String> {
        Vec::new()
    }

    /// The one name of a thing that messages may name in several ways, so that what is about the same thing is done in order.
    fn scope(&self, named: String) -> String {
        named
    }
}

/// What a coordinator starts with.
#[derive(Debug)]
pub struct Start<C: Coordinator> {
    /// Its settings, valid.
    pub settings: C::Settings,
    /// Its connection to the bus.
    pub bus: Bus,
    /// The database.
    pub store: Store,
    /// Where now comes from.
    pub clock: Clock,
    /// What the composition root hands in.
    pub given: C::Given,
}
