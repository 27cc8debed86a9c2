//! Observatory sites: where telescopes stand.

use vocabulary::{Latitude, Longitude, Timestamp, ids::SiteId};

use super::id_of;
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// A site.
#[derive(Debug, Clone, PartialEq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// What it is called.
    pub name: String,
    /// More about it.
    pub description: String,
    /// Geodetic latitude, north positive.
    pub latitude: Latitude,
    /// Geodetic longitude, east positive.
    pub longitude: Longitude,
    /// Height above the ellipsoid.
    pub elevation_metres: f64,
    /// The IANA name of its time zone.
    pub timezone: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    name: String,
    description: String,
    latitude: f64,
    longitude: f64,
    elevation: f64,
    timezone: String,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Site {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            name: row.name,
            description: row.description,
            latitude: Latitude::degrees(row.latitude).map_err(|e| StoreError::unreadable("sites", e))?,
            longitude: Longitude::degrees(row.longitude).map_err(|e| StoreError::unreadable("sites", e))?,
            elevation_metres: row.elevation,
            timezone: row.timezone,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps a new site, or what has changed of one; when it was made stays.
///
/// # Errors
/// A value is out of its range, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, site: &Site) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO observatory_sites
             (id, name, description, latitude, longitude, elevation, timezone, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description,
             latitude = excluded.latitude, longitude = excluded.longitude, elevation = excluded.elevation,
             timezone = excluded.timezone, updated_at = excluded.updated_at",
        site.id.as_str(),
        site.name,
        site.description,
        site.latitude.value(),
        site.longitude.value(),
        site.elevation_metres,
        site.timezone,
        site.created_at.instant(),
        site.updated_at.instant()
    );
    let bound = tx.bound();
    bounded("site put", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// One site.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &SiteId) -> Result<Site, StoreError> {
    let row = store
        .read("site get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, latitude, longitude, elevation, timezone, created_at, updated_at
                 FROM observatory_sites WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("site", id))?.try_into()
}

/// All sites, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, slice: &Slice) -> Result<Page<Site>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("sites list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, latitude, longitude, elevation, timezone, created_at, updated_at
                 FROM observatory_sites WHERE $1::text IS NULL OR id > $1 ORDER BY id LIMIT $2",
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let sites = rows.into_iter().map(Site::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(sites, slice, |site| site.id.to_string()))
}

/// Removes a site; its telescopes stand nowhere then.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &SiteId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM observatory_sites WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("site remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("site", id)) } else { Ok(()) }
}
