//! Which device does what on which telescope: one device for each role.

use vocabulary::{
    Timestamp,
    ids::{DeviceId, TelescopeId},
};

use super::{Role, id_of};
use crate::{Store, StoreError, Tx, tx::bounded};

/// A device in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The telescope.
    pub telescope: TelescopeId,
    /// What the device does.
    pub role: Role,
    /// The device.
    pub device: DeviceId,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was connected last.
    pub last_connected: Option<Timestamp>,
    /// When it got the role.
    pub created_at: Timestamp,
    /// When something of it changed last.
    pub updated_at: Timestamp,
}

/// A row as the statements below bring it.
struct Row {
    telescope_id: String,
    device_role: String,
    device_id: String,
    enabled: bool,
    last_connected: Option<time::OffsetDateTime>,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Assignment {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            telescope: id_of(row.telescope_id)?,
            role: row.device_role.parse()?,
            device: id_of(row.device_id)?,
            enabled: row.enabled,
            last_connected: row.last_connected.map(Timestamp::new),
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Gives a device a role on a telescope, in place of the device that had it.
///
/// # Errors
/// The telescope or the device does not exist, or the database does not answer within the bounds.
pub async fn assign(
    tx: &mut Tx,
    telescope: &TelescopeId,
    role: Role,
    device: &DeviceId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO telescope_devices (telescope_id, device_role, device_id, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $4)
         ON CONFLICT (telescope_id, device_role) DO UPDATE
         SET device_id = excluded.device_id, updated_at = excluded.updated_at,
             last_connected = CASE WHEN telescope_devices.device_id = excluded.device_id
                 THEN telescope_devices.last_connected END",
        telescope.as_str(),
        role.as_str(),
        device.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("role assign", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| match error {
        StoreError::Conflict { what } if what.contains("telescope_id") => StoreError::not_found("telescope", telescope),
        StoreError::Conflict { what } if what.contains("device_id") => StoreError::not_found("device", device),
        other => other,
    })
}

/// Takes a role from whoever has it. Says whether somebody had.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn unassign(tx: &mut Tx, telescope: &TelescopeId, role: Role) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "DELETE FROM telescope_devices WHERE telescope_id = $1 AND device_role = $2",
        telescope.as_str(),
        role.as_str()
    );
    let bound = tx.bound();
    let done = bounded("role unassign", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() > 0)
}

/// Records that a device was connected, in all its roles.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn connected(tx: &mut Tx, device: &DeviceId, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE telescope_devices SET last_connected = $2 WHERE device_id = $1",
        device.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    bounded("role connected", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// The roles on a telescope; there are not more than there are roles.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn of_telescope(store: &Store, telescope: &TelescopeId) -> Result<Vec<Assignment>, StoreError> {
    let rows = store
        .read("roles list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT telescope_id, device_role, device_id, enabled, last_connected, created_at, updated_at
                 FROM telescope_devices WHERE telescope_id = $1 ORDER BY device_role",
                telescope.as_str()
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}

/// The roles of a device, on up to a thousand telescopes.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn of_device(store: &Store, device: &DeviceId) -> Result<Vec<Assignment>, StoreError> {
    let rows = store
        .read("roles list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT telescope_id, device_role, device_id, enabled, last_connected, created_at, updated_at
                 FROM telescope_devices WHERE device_id = $1 ORDER BY telescope_id, device_role LIMIT 1000",
                device.as_str()
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    rows.into_iter().map(Assignment::try_from).collect()
}
