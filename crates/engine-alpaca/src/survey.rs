//! Asking a server what it serves, by the management API. A bad entry or a silent device does not lose the others.

use std::time::Duration;

use futures::{StreamExt, future::join3, stream};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    AlpacaEngine, AlpacaError, DeviceType, Endpoint, ServerUrl,
    engine::Inner,
    standard::{fields, management, methods},
    wire::{as_integer, cut, field},
};

/// Devices that one server may list.
const DEVICES_MAX: usize = 128;
/// Devices of one server that are asked at once; small servers take few connections.
const ASKED_AT_ONCE: usize = 4;
/// The longest wait for what a device says of itself, which it can be used without.
const DETAIL_TIMEOUT: Duration = Duration::from_secs(3);

/// A device as a server describes it. Ids of ours are given by whoever keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundDevice {
    /// The device's type.
    pub device_type: DeviceType,
    /// Its number among those of its type on its server.
    pub device_number: u32,
    /// Its name.
    pub name: String,
    /// What it says of itself; may be empty.
    pub description: String,
    /// What its driver says of itself; may be empty.
    pub driver_info: String,
    /// Its driver's version; may be empty.
    pub driver_version: String,
    /// The server.
    pub server_url: ServerUrl,
    /// The unique id that its maker gave it; sloppy servers leave it empty or give all devices the same.
    pub uuid: String,
    /// Whether it says that it is simulated, by its id or by its words.
    pub simulated: bool,
}

impl FoundDevice {
    /// Where it is.
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            server_url: self.server_url.clone(),
            device_type: self.device_type,
            device_number: self.device_number,
        }
    }
}

impl AlpacaEngine {
    /// The devices of the server at an address that is known already, without discovery.
    pub async fn survey(&self, server: &ServerUrl) -> Result<Vec<FoundDevice>, AlpacaError> {
        self.inner.survey(server).await
    }

    /// A device that is known by type and number, for servers without the management API. Fails if nothing answers there.
    pub async fn describe(&self, endpoint: &Endpoint) -> Result<FoundDevice, AlpacaError> {
        self.inner.wire.get(endpoint, methods::CONNECTED, self.inner.options.call_timeout).await?;
        let entry = Entry { endpoint: endpoint.clone(), name: String::new(), uuid: String::new() };
        Ok(self.inner.described(entry, "", self.inner.survey_end()).await)
    }
}

/// One line of a server's list.
struct Entry {
    endpoint: Endpoint,
    name: String,
    uuid: String,
}

impl Inner {
    fn survey_end(&self) -> Instant {
        Instant::now() + self.options.call_timeout
    }

    /// The whole list with what each device says of itself, within the time of one call for the list and of one for the rest.
    pub(crate) async fn survey(&self, server: &ServerUrl) -> Result<Vec<FoundDevice>, AlpacaError> {
        let within = self.options.call_timeout;
        let (versions, about, roster) = join3(
            self.wire.management(server, management::API_VERSIONS, within.min(DETAIL_TIMEOUT)),
            self.wire.management(server, management::DESCRIPTION, within.min(DETAIL_TIMEOUT)),
            self.wire.management(server, management::CONFIGURED_DEVICES, within),
        )
        .await;
        let roster = roster?;
        let speaks_ours = versions.ok().and_then(|versions| versions.as_array().cloned());
        if speaks_ours.is_some_and(|versions| !versions.iter().any(|version| as_integer(version) == Some(1))) {
            tracing::info!(%server, "server does not list version 1 of the API; it is asked all the same");
        }
        let server_name = about.ok().as_ref().and_then(Value::as_object).map(|about| text(about, fields::SERVER_NAME));
        let server_name = server_name.unwrap_or_default();
        let entries: Vec<Entry> = entries(server, &roster)?;
        let end = self.survey_end();
        let described = entries.into_iter().map(|entry| self.described(entry, &server_name, end));
        Ok(stream::iter(described).buffered(ASKED_AT_ONCE).collect().await)
    }

    async fn described(&self, entry: Entry, server_name: &str, end: Instant) -> FoundDevice {
        let Entry { endpoint, name, uuid } = entry;
        let detail = async |method| {
            let asked = self.wire.get(&endpoint, method, DETAIL_TIMEOUT);
            let answer = tokio::time::timeout_at(end, asked).await;
            answer.ok().and_then(Result::ok).as_ref().and_then(Value::as_str).map(cut).unwrap_or_default()
        };
        let (description, driver_info, driver_version) =
            join3(detail(methods::DESCRIPTION), detail(methods::DRIVER_INFO), detail(methods::DRIVER_VERSION)).await;
        let says_so = |words: &str| words.to_lowercase().contains("simulat");
        let simulated =
            uuid.starts_with("simulated-") || [server_name, &name, &description, &driver_info].into_iter().any(says_so);
        let Endpoint { server_url, device_type, device_number } = endpoint;
        let name = if name.is_empty() { format!("{device_type} {device_number}") } else { name };
        FoundDevice {
            device_type,
            device_number,
            name,
            description,
            driver_info,
            driver_version,
            server_url,
            uuid,
            simulated,
        }
    }
}

/// The lines of a server's list that can be read.
fn entries(server: &ServerUrl, roster: &Value) -> Result<Vec<Entry>, AlpacaError> {
    let lines = roster.as_array().ok_or_else(|| AlpacaError::Protocol {
        server: server.to_string(),
        method: management::CONFIGURED_DEVICES.to_owned(),
        reason: "the list of devices is no list".to_owned(),
    })?;
    let mut entries: Vec<Entry> = Vec::new();
    for line in lines.iter().take(DEVICES_MAX) {
        match entry(server, line) {
            Some(entry) if entries.iter().all(|known| known.endpoint != entry.endpoint) => entries.push(entry),
            Some(_) => tracing::info!(%server, line = cut(&line.to_string()), "server lists a device twice"),
            None => tracing::info!(%server, line = cut(&line.to_string()), "server lists a device that can't be read"),
        }
    }
    Ok(entries)
}

fn entry(server: &ServerUrl, line: &Value) -> Option<Entry> {
    let line = line.as_object()?;
    let device_type = text(line, fields::DEVICE_TYPE).parse().ok()?;
    let device_number = u32::try_from(as_integer(field(line, fields::DEVICE_NUMBER)?)?).ok()?;
    let endpoint = Endpoint { server_url: server.clone(), device_type, device_number };
    Some(Entry { endpoint, name: text(line, fields::DEVICE_NAME), uuid: text(line, fields::UNIQUE_ID) })
}

fn text(object: &Map<String, Value>, name: &str) -> String {
    field(object, name).and_then(Value::as_str).map(cut).unwrap_or_default()
}
