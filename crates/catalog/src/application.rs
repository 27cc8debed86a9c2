//! The application coordinator's messages (its word in topics is `service`): the registry of services.

use std::collections::BTreeMap;

use health::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use vocabulary::{Timestamp, ids::ServiceId};

use crate::{
    Entry,
    frame::example_time,
    kinds::{Command, Done, Effect, Event, Needs, Notice, Shape, State},
};

/// Its rows.
pub const MESSAGES: &[Entry] = &[
    Entry::notice::<Register>(),
    Entry::notice::<Heartbeat>(),
    Entry::command::<Unregister>(),
    Entry::command::<GetService>(),
    Entry::command::<ListServices>(),
    Entry::event::<ServiceRegistered>(),
    Entry::event::<ServiceUnregistered>(),
    Entry::event::<ServiceStatusChanged>(),
    Entry::state::<Service>(),
];

const READ: Needs = Needs::right("service", "read");
const WRITE: Needs = Needs::right("service", "write");

/// A service and what is known of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Its name; several services may share one.
    pub name: String,
    /// Its own word on its health, or `unhealthy` once it has been silent for longer than the timeout.
    pub status: Status,
    /// Where it is reached.
    pub endpoint: String,
    /// When it came.
    pub registered_at: Timestamp,
    /// When it was last heard.
    pub last_heartbeat: Timestamp,
    /// Whatever it says of itself.
    pub metadata: BTreeMap<String, Value>,
}

impl Shape for Service {
    fn example() -> Self {
        Self {
            id: example_service(),
            name: "weather".to_owned(),
            status: Status::Healthy,
            endpoint: "http://127.0.0.1:9400".to_owned(),
            registered_at: example_time(),
            last_heartbeat: example_time(),
            metadata: BTreeMap::from([("version".to_owned(), json!("1.0.0"))]),
        }
    }
}

impl State for Service {
    const NAME: &'static str = "service/service";
    const NEEDS: Needs = READ;
    const KEY: &'static str = "the service's id";
}

/// A service says that it is there. Saying it again changes its entry.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Register {
    /// Its id.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// Where it is reached.
    #[serde(default)]
    pub endpoint: String,
    /// Whatever it says of itself.
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
}

impl Shape for Register {
    fn example() -> Self {
        let Service { id, name, endpoint, metadata, .. } = Service::example();
        Self { id, name, endpoint, metadata }
    }
}

impl Notice for Register {
    const NAME: &'static str = "service/register";
    const ALIASES: &'static [&'static str] = &["service/event/register"];
    const NEEDS: Needs = WRITE;
    type Reply = OneService;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// A service says that it is still there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// Its id.
    pub id: ServiceId,
    /// How well it is; healthy where nothing is said.
    pub status: Option<Status>,
}

impl Shape for Heartbeat {
    fn example() -> Self {
        Self { id: example_service(), status: Some(Status::Healthy) }
    }
}

impl Notice for Heartbeat {
    const NAME: &'static str = "service/heartbeat";
    const ALIASES: &'static [&'static str] = &["service/event/heartbeat"];
    const NEEDS: Needs = WRITE;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// Takes a service out of the registry.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unregister {
    /// Its id.
    pub id: ServiceId,
}

impl Shape for Unregister {
    fn example() -> Self {
        Self { id: example_service() }
    }
}

impl Command for Unregister {
    const NAME: &'static str = "service/unregister";
    const ALIASES: &'static [&'static str] = &["service/event/unregister"];
    const NEEDS: Needs = WRITE;
    const EFFECT: Effect = Effect::Changes;
    type Reply = Done;

    fn scope(&self) -> Option<String> {
        Some(self.id.to_string())
    }
}

/// Asks for one service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GetService {
    /// Its id.
    pub id: ServiceId,
}

impl Shape for GetService {
    fn example() -> Self {
        Self { id: example_service() }
    }
}

impl Command for GetService {
    const NAME: &'static str = "service/get";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = OneService;
}

/// One service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct OneService {
    /// The service.
    pub service: Service,
}

impl Shape for OneService {
    fn example() -> Self {
        Self { service: Service::example() }
    }
}

/// Asks for services by what they say of themselves; all conditions given must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ListServices {
    /// Only with this name.
    pub name: Option<String>,
    /// Only at this endpoint.
    pub endpoint: Option<String>,
    /// Only with all of these in their metadata.
    #[serde(default)]
    pub metadata: BTreeMap<String, Value>,
    /// Only with this health.
    pub status: Option<Status>,
    /// At most so many.
    pub limit: Option<u32>,
    /// The `next` of the page before.
    pub cursor: Option<String>,
}

impl Shape for ListServices {
    fn example() -> Self {
        Self { name: Some("weather".to_owned()), limit: Some(10), ..Self::default() }
    }
}

impl Command for ListServices {
    const NAME: &'static str = "service/list";
    const NEEDS: Needs = READ;
    const EFFECT: Effect = Effect::Reads;
    type Reply = Services;
}

/// A page of services.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Services {
    /// By name, then id.
    pub services: Vec<Service>,
    /// Where the next page begins; null at the end.
    pub next: Option<String>,
}

impl Shape for Services {
    fn example() -> Self {
        Self { services: vec![Service::example()], next: None }
    }
}

/// A service came, or changed its entry.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRegistered {
    /// The service.
    pub service: Service,
}

impl Shape for ServiceRegistered {
    fn example() -> Self {
        Self { service: Service::example() }
    }
}

impl Event for ServiceRegistered {
    const NAME: &'static str = "service/registered";
    const NEEDS: Needs = READ;
}

/// A service left the registry.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ServiceUnregistered {
    /// Its id.
    pub id: ServiceId,
}

impl Shape for ServiceUnregistered {
    fn example() -> Self {
        Self { id: example_service() }
    }
}

impl Event for ServiceUnregistered {
    const NAME: &'static str = "service/unregistered";
    const NEEDS: Needs = READ;
}

/// A service became ill or well, or fell silent.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ServiceStatusChanged {
    /// Its id.
    pub id: ServiceId,
    /// How it was.
    pub from: Status,
    /// How it is.
    pub to: Status,
}

impl Shape for ServiceStatusChanged {
    fn example() -> Self {
        Self { id: example_service(), from: Status::Healthy, to: Status::Unhealthy }
    }
}

impl Event for ServiceStatusChanged {
    const NAME: &'static str = "service/status-changed";
    const NEEDS: Needs = READ;
}

#[expect(clippy::expect_used, reason = "a constant that the tests read")]
fn example_service() -> ServiceId {
    "svc-123".parse().expect("an id")
}
