//! Devices, under ids of ours that outlive their addresses.

use vocabulary::{Timestamp, ids::DeviceId};

use super::id_of;
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// What was found on the network, or registered by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The kind of device, as its protocol names it.
    pub device_type: String,
    /// Its number among those of its kind on the server.
    pub device_number: u32,
    /// What its server calls it.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// What its driver says of itself.
    pub driver_info: String,
    /// The driver's version.
    pub driver_version: String,
    /// Where its server is.
    pub server_url: String,
    /// The id that it keeps wherever it is, where its server gives one.
    pub uuid: Option<String>,
    /// How it is spoken to.
    pub protocol: String,
    /// Whether it is one that only pretends.
    pub simulated: bool,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Our id.
    pub id: DeviceId,
    /// The kind of device, as its protocol names it.
    pub device_type: String,
    /// Its number among those of its kind on the server.
    pub device_number: u32,
    /// What its server calls it.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// What its driver says of itself.
    pub driver_info: String,
    /// The driver's version.
    pub driver_version: String,
    /// Where its server is; nothing where another device is at its address now and it was not found elsewhere.
    pub server_url: Option<String>,
    /// The id that it keeps wherever it is, where its server gives one.
    pub uuid: Option<String>,
    /// How it is spoken to.
    pub protocol: String,
    /// Whether it is one that only pretends.
    pub simulated: bool,
    /// Whether somebody wants it connected.
    pub connected_wanted: bool,
    /// When it was found last.
    pub last_seen: Timestamp,
    /// When it was found first.
    pub created_at: Timestamp,
    /// When something of it changed last.
    pub updated_at: Timestamp,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    device_type: String,
    device_number: i32,
    name: String,
    description: String,
    driver_info: String,
    driver_version: String,
    server_url: Option<String>,
    uuid: Option<String>,
    protocol: String,
    simulated: bool,
    connected_wanted: bool,
    last_seen: time::OffsetDateTime,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Device {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            device_type: row.device_type,
            device_number: row.device_number.unsigned_abs(),
            name: row.name,
            description: row.description,
            driver_info: row.driver_info,
            driver_version: row.driver_version,
            server_url: row.server_url,
            uuid: row.uuid,
            protocol: row.protocol,
            simulated: row.simulated,
            connected_wanted: row.connected_wanted,
            last_seen: Timestamp::new(row.last_seen),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps what was found, under the id that it has or a new one.
///
/// A device is known by its own id, else by its address. Where a device with another id stands at an address now, the one
/// that was there keeps our id and has no address until it is found again.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn found(tx: &mut Tx, found: &Found, now: Timestamp) -> Result<Device, StoreError> {
    let number = i32::try_from(found.device_number).map_err(|_| StoreError::invalid("device number is too large"))?;
    let bound = tx.bound();
    // Two discoveries at once would each see the address free.
    let lock = sqlx::query_scalar!("SELECT pg_advisory_xact_lock(hashtextextended('devices', 0))::text");
    bounded("device lock", bound.clone(), lock.fetch_one(tx.connection())).await?;
    let known = known_as(tx, found, number).await?;
    let statement = sqlx::query!(
        "UPDATE devices SET server_url = NULL, updated_at = $5
         WHERE server_url = $1 AND device_type = $2 AND device_number = $3 AND id IS DISTINCT FROM $4",
        found.server_url,
        found.device_type,
        number,
        known.as_deref(),
        now.instant()
    );
    bounded("device displace", bound.clone(), statement.execute(tx.connection())).await?;
    let id = known.unwrap_or_else(|| DeviceId::fresh().to_string());
    let statement = sqlx::query_as!(
        Row,
        "INSERT INTO devices (id, device_type, device_number, name, description, driver_info, driver_version, server_url,
             uuid, protocol, simulated, last_seen, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $12)
         ON CONFLICT (id) DO UPDATE SET device_number = excluded.device_number, name = excluded.name,
             description = excluded.description, driver_info = excluded.driver_info,
             driver_version = excluded.driver_version, server_url = excluded.server_url,
             uuid = coalesce(excluded.uuid, devices.uuid), protocol = excluded.protocol,
             simulated = excluded.simulated, last_seen = excluded.last_seen, updated_at = excluded.updated_at
         RETURNING *",
        id,
        found.device_type,
        number,
        found.name,
        found.description,
        found.driver_info,
        found.driver_version,
        found.server_url,
        found.uuid,
        found.protocol,
        found.simulated,
        now.instant()
    );
    bounded("device put", bound, statement.fetch_one(tx.connection())).await?.try_into()
}

/// Our id of what was found: by its own id, else by its address unless a device with another id is known to be there.
async fn known_as(tx: &mut Tx, found: &Found, number: i32) -> Result<Option<String>, StoreError> {
    let bound = tx.bound();
    let statement = sqlx::query_scalar!(
        "SELECT id FROM devices
         WHERE device_type = $2 AND (uuid = $1
             OR (server_url = $3 AND device_number = $4 AND (uuid IS NULL OR $1::text IS NULL)))
         ORDER BY (uuid = $1) IS TRUE DESC LIMIT 1",
        found.uuid,
        found.device_type,
        found.server_url,
        number
    );
    bounded("device find", bound, statement.fetch_optional(tx.connection())).await
}

/// Records whether somebody wants a device connected.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn set_connected_wanted(tx: &mut Tx, id: &DeviceId, wanted: bool, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE devices SET connected_wanted = $2, updated_at = $3 WHERE id = $1",
        id.as_str(),
        wanted,
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("device connected", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("device", id)) } else { Ok(()) }
}

/// One device.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &DeviceId) -> Result<Device, StoreError> {
    let row = store
        .read("device get", |mut connection| async move {
            sqlx::query_as!(Row, "SELECT * FROM devices WHERE id = $1", id.as_str())
                .fetch_optional(&mut *connection)
                .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("device", id))?.try_into()
}

/// The devices of one kind or of all, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, device_type: Option<&str>, slice: &Slice) -> Result<Page<Device>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("devices list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT * FROM devices
                 WHERE ($1::text IS NULL OR device_type = $1) AND ($2::text IS NULL OR id > $2) ORDER BY id LIMIT $3",
                device_type,
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let devices = rows.into_iter().map(Device::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(devices, slice, |device| device.id.to_string()))
}

/// Removes a device and its roles. Found again it is a new one.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &DeviceId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM devices WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("device remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("device", id)) } else { Ok(()) }
}
