//! Which handler a message goes to; the message is read off the handler's type.

use std::{collections::BTreeSet, future::Future, pin::Pin, sync::Arc};

use catalog::{Command, Entry, Needs, Notice, Owner};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use vocabulary::Fault;

use crate::{Coordinator, Cx};

/// What a handler comes to, its types erased.
pub(crate) type Outcome = Pin<Box<dyn Future<Output = Result<Map<String, Value>, Fault>> + Send>>;

/// A message that was read and waits to be executed.
pub(crate) struct Prepared<C: Coordinator> {
    /// The one thing it is about.
    pub(crate) scope: Option<String>,
    /// What it needs besides what its row says.
    pub(crate) also_needs: Vec<Needs>,
    /// Executes it.
    pub(crate) run: Box<dyn FnOnce(Cx<C>) -> Outcome + Send>,
}

type Prepare<C> = Arc<dyn Fn(Value) -> Result<Prepared<C>, Fault> + Send + Sync>;

/// A message and its handler.
pub(crate) struct Route<C: Coordinator> {
    pub(crate) entry: Entry,
    pub(crate) fields: BTreeSet<String>,
    /// Those of them that are secrets.
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) prepare: Prepare<C>,
}

/// The handlers of a coordinator.
pub struct Routes<C: Coordinator> {
    pub(crate) routes: Vec<Arc<Route<C>>>,
}

impl<C: Coordinator> Default for Routes<C> {
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

impl<C: Coordinator> Routes<C> {
    /// Handles a command.
    #[must_use]
    pub fn on<M, F, Fut>(self, handler: F) -> Self
    where
        M: Command,
        F: Fn(Cx<C>, M) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<M::Reply, Fault>> + Send + 'static,
    {
        self.add(Entry::command::<M>(), M::scope, M::also_needs, handler)
    }

    /// Hears a notice.
    #[must_use]
    pub fn hear<N, F, Fut>(self, handler: F) -> Self
    where
        N: Notice,
        F: Fn(Cx<C>, N) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<N::Reply, Fault>> + Send + 'static,
    {
        self.add(Entry::notice::<N>(), N::scope, nothing_else, handler)
    }

    /// Handles a message of the frame for `owner`, whose row in the catalogue has the owner's name in it.
    pub(crate) fn given<M, F, Fut>(self, owner: Owner, entry: Entry, handler: F) -> Self
    where
        M: Command,
        F: Fn(Cx<C>, M) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<M::Reply, Fault>> + Send + 'static,
    {
        self.add(entry.given_to(owner), M::scope, M::also_needs, handler)
    }

    /// The same for a notice.
    pub(crate) fn given_notice<N, F, Fut>(self, owner: Owner, entry: Entry, handler: F) -> Self
    where
        N: Notice,
        F: Fn(Cx<C>, N) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<N::Reply, Fault>> + Send + 'static,
    {
        self.add(entry.given_to(owner), N::scope, nothing_else, handler)
    }

    fn add<M, R, F, Fut>(
        mut self,
        entry: Entry,
        scope: fn(&M) -> Option<String>,
        also_needs: fn(&M) -> Vec<Needs>,
        handler: F,
    ) -> Self
    where
        M: DeserializeOwned + Send + 'static,
        R: Serialize,
        F: Fn(Cx<C>, M) -> Fut + Send + Sync + Copy + 'static,
        Fut: Future<Output = Result<R, Fault>> + Send + 'static,
    {
        let name = entry.name.to_string();
        let prepare: Prepare<C> = Arc::new(move |payload| {
            let message: M = read(&name, payload)?;
            Ok(Prepared {
                scope: scope(&message),
                also_needs: also_needs(&message),
                run: Box::new(move |cx| {
                    let outcome = handler(cx, message);
                    Box::pin(async move { outcome.await.and_then(|reply| object_of(&reply)) })
                }),
            })
        });
        self.routes.push(Arc::new(Route { fields: entry.fields(), secrets: entry.secrets(), entry, prepare }));
        self
    }

    /// The names of the messages that are handled.
    pub fn names(&self) -> BTreeSet<String> {
        self.routes.iter().map(|route| route.entry.name.to_string()).collect()
    }
}

fn nothing_else<N>(_: &N) -> Vec<Needs> {
    Vec::new()
}

fn read<M: DeserializeOwned>(name: &str, payload: Value) -> Result<M, Fault> {
    if !payload.is_object() {
        return Err(
            Fault::invalid(format!("payload of {name} is not an object")).hint("send a JSON object with its fields")
        );
    }
    // With its path an error names the field that it is about.
    serde_path_to_error::deserialize(payload).map_err(|e| {
        Fault::invalid(format!("payload of {name} is wrong: {e}"))
            .hint(format!("`bigskies describe messages {name}` shows its fields"))
    })
}

fn object_of(reply: &impl Serialize) -> Result<Map<String, Value>, Fault> {
    match serde_json::to_value(reply) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Fault::internal("reply is not an object")),
        Err(e) => Err(Fault::internal(format!("reply can't be written: {e}"))),
    }
}
