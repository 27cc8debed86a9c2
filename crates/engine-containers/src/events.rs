//! What happens on an engine, as it happens: subscribed to when asked for, not when first read.

use std::{collections::BTreeMap, pin::Pin};

use bollard::query_parameters::EventsOptions;
use futures::{Stream, StreamExt as _};
use vocabulary::Timestamp;

use crate::{ContainerEngine, ContainersError, Object, networks::sorted, refusal::Doing};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineEvent {
    /// What it happened to, in the engine's word: `container`, `network`, `volume`, `image`.
    pub kind: String,
    /// What happened, in the engine's words: `start`, `die`, `health_status: healthy`.
    pub action: String,
    /// The id of what it happened to.
    pub id: String,
    /// What the engine tells besides: `name`, `exitCode`, labels.
    pub attributes: BTreeMap<String, String>,
    /// When, in nanoseconds since 1970 by the engine's clock.
    pub at_nanoseconds: i64,
}

/// Events from the moment of subscription. It ends when the connection does.
pub struct Events {
    engine: ContainerEngine,
    stream: Pin<Box<dyn Stream<Item = Result<bollard::models::EventMessage, bollard::errors::Error>> + Send>>,
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl Events {
    /// The next one; nothing where the connection ended.
    pub async fn next(&mut self) -> Option<Result<EngineEvent, ContainersError>> {
        let doing = Doing::new("listening to", Object::Engine, "");
        match self.stream.next().await? {
            Ok(message) => Some(Ok(read(message))),
            Err(error) => Some(Err(self.engine.explained(doing, error).await)),
        }
    }
}

impl ContainerEngine {
    /// Events of containers from now on, of one of them or of all. What happens after the call is not missed, however late it is read:
    /// the library asks with the first read, so the engine is told since when.
    pub async fn events(&self, container: Option<&str>) -> Result<Events, ContainersError> {
        let mut filters = std::collections::HashMap::from([("type".to_owned(), vec!["container".to_owned()])]);
        if let Some(name) = container {
            filters.insert("container".to_owned(), vec![crate::names::check(Object::Container, name)?.to_owned()]);
        }
        let since = self.engine_time().await?;
        let options = EventsOptions { since: Some(since), until: None, filters: Some(filters) };
        Ok(Events { engine: self.clone(), stream: Box::pin(self.docker().events(Some(options))) })
    }

    /// The engine's own time, in the words that it takes back: ours may differ from that of a host far away.
    async fn engine_time(&self) -> Result<String, ContainersError> {
        let found = self.call(Doing::new("asking", Object::Engine, ""), self.docker().info()).await?;
        let said = found.system_time.unwrap_or_default();
        let parsed = said.parse::<Timestamp>();
        let time = parsed.map_err(|error| ContainersError::Failed {
            doing: "asking for the time".to_owned(),
            reason: error.to_string(),
        })?;
        let instant = time.instant();
        Ok(format!("{}.{:09}", instant.unix_timestamp(), instant.nanosecond()))
    }
}

fn read(message: bollard::models::EventMessage) -> EngineEvent {
    let actor = message.actor.unwrap_or_default();
    EngineEvent {
        kind: message.typ.map(|kind| kind.to_string()).unwrap_or_default(),
        action: message.action.unwrap_or_default(),
        id: actor.id.unwrap_or_default(),
        attributes: sorted(actor.attributes.unwrap_or_default()),
        at_nanoseconds: message.time_nano.unwrap_or_default(),
    }
}
