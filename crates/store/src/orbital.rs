//! What was registered with the orbital service: satellites by their elements, and ground stations.
//!
//! Whoever changes one kind of rows waits for the others who do, so that a bound on their number holds.

use crate::{Store, StoreError, Tx, changes::ORBITAL, tx::bounded};

/// Notified when anything here is changed.
pub const CHANNEL: &str = ORBITAL;

/// No more rows of a kind are read than that.
const ROWS_MAX: i64 = 1_000_000;

/// A satellite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Satellite {
    /// What calls name it by.
    pub id: String,
    /// An Orbit Mean-Elements Message in JSON (CCSDS 502.0-B).
    pub elements: String,
}

/// A ground station.
#[derive(Debug, Clone, PartialEq)]
pub struct Station {
    /// What calls name it by.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Geodetic latitude, north positive.
    pub latitude_degrees: f64,
    /// Geodetic longitude, east positive.
    pub longitude_degrees: f64,
    /// Height over the ellipsoid.
    pub altitude_metres: f64,
    /// From which elevation on it sees a satellite.
    pub elevation_degrees_min: f64,
}

/// What a registration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Put {
    /// How many were there before.
    pub replaced: u64,
    /// How many there are now.
    pub total: u64,
}

/// Registers satellites, or other elements of those that are there. No id may stand twice.
///
/// # Errors
/// The database does not take them, or does not answer within the bounds.
pub async fn put_satellites(tx: &mut Tx, satellites: &[Satellite]) -> Result<Put, StoreError> {
    let lock = sqlx::query!("LOCK TABLE orbital_satellites IN SHARE ROW EXCLUSIVE MODE");
    let bound = tx.bound();
    bounded("orbital satellites lock", bound, lock.execute(tx.connection())).await?;
    let (ids, elements): (Vec<String>, Vec<String>) =
        satellites.iter().map(|satellite| (satellite.id.clone(), satellite.elements.clone())).unzip();
    let before =
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM orbital_satellites WHERE id = ANY ($1)"#, &ids);
    let bound = tx.bound();
    let replaced = bounded("orbital satellites count", bound, before.fetch_one(tx.connection())).await?;
    let statement = sqlx::query!(
        "INSERT INTO orbital_satellites (id, elements) SELECT * FROM unnest($1::text[], $2::text[])
         ON CONFLICT (id) DO UPDATE SET elements = excluded.elements",
        &ids,
        &elements
    );
    let bound = tx.bound();
    bounded("orbital satellites put", bound, statement.execute(tx.connection())).await?;
    let after = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM orbital_satellites"#);
    let bound = tx.bound();
    let total = bounded("orbital satellites count", bound, after.fetch_one(tx.connection())).await?;
    Ok(Put { replaced: replaced.unsigned_abs(), total: total.unsigned_abs() })
}

/// Removes satellites; says how many were there.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove_satellites(tx: &mut Tx, ids: &[String]) -> Result<u64, StoreError> {
    let statement = sqlx::query!("DELETE FROM orbital_satellites WHERE id = ANY ($1)", ids);
    let bound = tx.bound();
    let done = bounded("orbital satellites remove", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected())
}

/// Every satellite, by id.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn satellites(store: &Store) -> Result<Vec<Satellite>, StoreError> {
    store
        .read("orbital satellites list", |mut connection| async move {
            sqlx::query_as!(Satellite, "SELECT id, elements FROM orbital_satellites ORDER BY id LIMIT $1", ROWS_MAX)
                .fetch_all(&mut *connection)
                .await
        })
        .await
}

/// Registers ground stations, or what has changed of those that are there. No id may stand twice.
///
/// # Errors
/// The database does not take them, or does not answer within the bounds.
pub async fn put_stations(tx: &mut Tx, stations: &[Station]) -> Result<Put, StoreError> {
    let lock = sqlx::query!("LOCK TABLE orbital_stations IN SHARE ROW EXCLUSIVE MODE");
    let bound = tx.bound();
    bounded("orbital stations lock", bound, lock.execute(tx.connection())).await?;
    let ids: Vec<String> = stations.iter().map(|station| station.id.clone()).collect();
    let names: Vec<String> = stations.iter().map(|station| station.name.clone()).collect();
    let column = |of: fn(&Station) -> f64| stations.iter().map(of).collect::<Vec<f64>>();
    let before = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM orbital_stations WHERE id = ANY ($1)"#, &ids);
    let bound = tx.bound();
    let replaced = bounded("orbital stations count", bound, before.fetch_one(tx.connection())).await?;
    let statement = sqlx::query!(
        "INSERT INTO orbital_stations
             (id, name, latitude_degrees, longitude_degrees, altitude_metres, elevation_degrees_min)
         SELECT * FROM unnest($1::text[], $2::text[], $3::float8[], $4::float8[], $5::float8[], $6::float8[])
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, latitude_degrees = excluded.latitude_degrees,
             longitude_degrees = excluded.longitude_degrees, altitude_metres = excluded.altitude_metres,
             elevation_degrees_min = excluded.elevation_degrees_min",
        &ids,
        &names,
        &column(|station| station.latitude_degrees),
        &column(|station| station.longitude_degrees),
        &column(|station| station.altitude_metres),
        &column(|station| station.elevation_degrees_min)
    );
    let bound = tx.bound();
    bounded("orbital stations put", bound, statement.execute(tx.connection())).await?;
    let after = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM orbital_stations"#);
    let bound = tx.bound();
    let total = bounded("orbital stations count", bound, after.fetch_one(tx.connection())).await?;
    Ok(Put { replaced: replaced.unsigned_abs(), total: total.unsigned_abs() })
}

/// Removes ground stations; says how many were there.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove_stations(tx: &mut Tx, ids: &[String]) -> Result<u64, StoreError> {
    let statement = sqlx::query!("DELETE FROM orbital_stations WHERE id = ANY ($1)", ids);
    let bound = tx.bound();
    let done = bounded("orbital stations remove", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected())
}

/// Every ground station, by id.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn stations(store: &Store) -> Result<Vec<Station>, StoreError> {
    store
        .read("orbital stations list", |mut connection| async move {
            sqlx::query_as!(
                Station,
                "SELECT id, name, latitude_degrees, longitude_degrees, altitude_metres, elevation_degrees_min
                 FROM orbital_stations ORDER BY id LIMIT $1",
                ROWS_MAX
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await
}
