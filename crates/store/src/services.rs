//! The registry of services: who is there, where, since when, and when it was heard of last.

use health::Status;
use serde_json::{Map, Value};
use vocabulary::{Timestamp, ids::ServiceId};

use crate::{
    Page, Slice, Store, StoreError, Tx,
    health_history::{object_of, status_of},
    tx::bounded,
};

/// A service.
#[derive(Debug, Clone, PartialEq)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// What it is called; several may share a name.
    pub name: String,
    /// Where it is reached.
    pub endpoint: String,
    /// What it says of itself.
    pub metadata: Map<String, Value>,
    /// How it is.
    pub status: Status,
    /// When it registered first.
    pub registered_at: Timestamp,
    /// When it was heard of last.
    pub last_heartbeat: Timestamp,
}

/// Which services are wanted; what is left out fits all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    /// This name.
    pub name: Option<String>,
    /// This endpoint.
    pub endpoint: Option<String>,
    /// Metadata that contains this.
    pub metadata: Option<Map<String, Value>>,
    /// Heard of last before this instant.
    pub silent_since: Option<Timestamp>,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    name: String,
    endpoint: String,
    metadata: Value,
    status: String,
    registered_at: time::OffsetDateTime,
    last_heartbeat: time::OffsetDateTime,
}

impl TryFrom<Row> for Service {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: ServiceId::try_from(row.id).map_err(|e| StoreError::unreadable("services", e))?,
            name: row.name,
            endpoint: row.endpoint,
            metadata: object_of(row.metadata),
            status: status_of(&row.status),
            registered_at: Timestamp::new(row.registered_at),
            last_heartbeat: Timestamp::new(row.last_heartbeat),
        })
    }
}

/// Registers a service, or what has changed of one; the instant of its first registration stays.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn upsert(tx: &mut Tx, service: &Service) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO services (id, name, endpoint, metadata, status, registered_at, last_heartbeat)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, endpoint = excluded.endpoint,
             metadata = excluded.metadata, status = excluded.status, last_heartbeat = excluded.last_heartbeat",
        service.id.as_str(),
        service.name,
        service.endpoint,
        Value::Object(service.metadata.clone()),
        service.status.as_str(),
        service.registered_at.instant(),
        service.last_heartbeat.instant()
    );
    let bound = tx.bound();
    bounded("service upsert", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Records that a service was heard of, and how it is.
///
/// # Errors
/// It is not registered, or the database does not answer within the bounds.
pub async fn heartbeat(tx: &mut Tx, id: &ServiceId, status: Status, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE services SET last_heartbeat = greatest(last_heartbeat, $2), status = $3 WHERE id = $1",
        id.as_str(),
        now.instant(),
        status.as_str()
    );
    let bound = tx.bound();
    let done = bounded("service heartbeat", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("service", id)) } else { Ok(()) }
}

/// Says of a service how it is, without having heard of it.
///
/// # Errors
/// It is not registered, or the database does not answer within the bounds.
pub async fn set_status(tx: &mut Tx, id: &ServiceId, status: Status) -> Result<(), StoreError> {
    let statement = sqlx::query!("UPDATE services SET status = $2 WHERE id = $1", id.as_str(), status.as_str());
    let bound = tx.bound();
    let done = bounded("service status", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("service", id)) } else { Ok(()) }
}

/// Removes a service.
///
/// # Errors
/// It is not registered, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &ServiceId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM services WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("service remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("service", id)) } else { Ok(()) }
}

/// One service.
///
/// # Errors
/// It is not registered, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &ServiceId) -> Result<Service, StoreError> {
    let row = store
        .read("service get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, endpoint, metadata, status, registered_at, last_heartbeat FROM services WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("service", id))?.try_into()
}

/// The services that fit, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<Service>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let metadata = &filter.metadata.clone().map(Value::Object);
    let silent_since = filter.silent_since.map(Timestamp::instant);
    let rows = store
        .read("services list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, endpoint, metadata, status, registered_at, last_heartbeat FROM services
                 WHERE ($1::text IS NULL OR name = $1) AND ($2::text IS NULL OR endpoint = $2)
                   AND ($3::jsonb IS NULL OR metadata @> $3) AND ($4::timestamptz IS NULL OR last_heartbeat < $4)
                   AND ($5::text IS NULL OR id > $5)
                 ORDER BY id LIMIT $6",
                filter.name.as_deref(),
                filter.endpoint.as_deref(),
                metadata.as_ref(),
                silent_since,
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let services = rows.into_iter().map(Service::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(services, slice, |service| service.id.to_string()))
}
