//! Health: how many there are, which ends next, and what could not be renewed.

use std::{sync::Weak, time::Duration};

use health::Status;
use serde_json::{Map, Value, json};
use store::certificates::{self, Kind, Purpose};
use tokio::{sync::watch, time::timeout};
use vocabulary::Timestamp;

use super::{Inner, State};

/// How often it is looked at without a change, since time alone changes it too.
const INTERVAL: Duration = Duration::from_secs(15);
/// How many words of trouble are shown.
const TROUBLES_MAX: usize = 5;

impl Inner {
    /// Looks at everything, and keeps what was found for who asks.
    pub(super) fn refresh_health(&self) {
        let now = self.clock.now();
        let picture = self.keyring.picture();
        let in_use: Vec<&certificates::Certificate> =
            picture.rows.certificates.iter().filter(|row| row.purpose != Purpose::Account).collect();
        let mut found = Found::default();
        for row in &in_use {
            found.look_at(row, now);
        }
        if let Some(authority) = picture.issuing()
            && authority.expires_at <= now
        {
            found.trouble(Status::Unhealthy, format!("authority {} expired", authority.id));
        }
        for (object, reason) in &picture.broken {
            found.trouble(Status::Degraded, format!("{object} can't be used: {reason}"));
        }
        if let Some(reason) = self.keyring.trouble() {
            found.trouble(Status::Degraded, format!("rows can't be read: {reason}"));
        }
        let message = found.message(in_use.len());
        let details = details(&in_use, found.nearest, picture.counts(), self.settings().directory_url(), now);
        self.health.set(found.status, message, details);
    }
}

/// What was found so far.
struct Found {
    status: Status,
    troubles: Vec<String>,
    nearest: Option<(Timestamp, String)>,
}

impl Default for Found {
    fn default() -> Self {
        Self { status: Status::Healthy, troubles: Vec::new(), nearest: None }
    }
}

impl Found {
    fn look_at(&mut self, row: &certificates::Certificate, now: Timestamp) {
        if let Some(material) = &row.material {
            let end = (material.expires_at, row.domain.clone());
            self.nearest = Some(self.nearest.take().map_or_else(|| end.clone(), |nearest| nearest.min(end.clone())));
        }
        let why = row.last_error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
        match State::of(row, now) {
            State::Expired => self.trouble(Status::Unhealthy, format!("{} expired{why}", row.domain)),
            State::Due => self.trouble(Status::Degraded, format!("{} ends soon{why}", row.domain)),
            State::Awaited => self.trouble(Status::Degraded, format!("{} is awaited{why}", row.domain)),
            State::Valid => {}
        }
    }

    fn trouble(&mut self, status: Status, what: String) {
        self.status = self.status.max(status);
        self.troubles.push(what);
    }

    fn message(&self, count: usize) -> String {
        let shown: Vec<&str> = self.troubles.iter().take(TROUBLES_MAX).map(String::as_str).collect();
        match self.troubles.len() {
            0 => format!("{count} certificates are good"),
            all if all > TROUBLES_MAX => format!("{}; and {} more", shown.join("; "), all - TROUBLES_MAX),
            _ => shown.join("; "),
        }
    }
}

fn details(
    in_use: &[&certificates::Certificate],
    nearest: Option<(Timestamp, String)>,
    (_, authorities, revoked): (usize, usize, usize),
    directory: Option<String>,
    now: Timestamp,
) -> Map<String, Value> {
    let of_kind = |kind: Kind| in_use.iter().filter(|row| row.kind == kind).count();
    let of_state = |state: State| in_use.iter().filter(|row| State::of(row, now) == state).count();
    let mut details = Map::new();
    let mut add = |name: &str, value: Value| details.insert(name.to_owned(), value);
    add("certificates", json!(in_use.len()));
    add(
        "by_kind",
        Kind::ALL.iter().map(|kind| (kind.to_string(), json!(of_kind(*kind)))).collect::<Map<_, _>>().into(),
    );
    add("near_expiry", json!(of_state(State::Due)));
    add("expired", json!(of_state(State::Expired)));
    add("awaited", json!(of_state(State::Awaited)));
    add("authorities", json!(authorities));
    add("revoked", json!(revoked));
    add("acme_directory", json!(directory));
    if let Some((expires_at, domain)) = nearest {
        add("nearest_expiry", json!(expires_at));
        add("nearest_expiry_domain", json!(domain));
        add("nearest_expiry_seconds", json!(expires_at.since(now).as_secs()));
    }
    details
}

/// Keeps the report fresh.
pub(super) async fn keep(engine: Weak<Inner>, mut changed: watch::Receiver<u64>) {
    while let Some(inner) = engine.upgrade() {
        inner.refresh_health();
        drop(inner);
        let _ = timeout(INTERVAL, changed.changed()).await;
    }
}
