//! Settings as rows of `coordinator_config`, and the history that the database itself keeps of them.

use std::collections::BTreeMap;

use serde_json::Value;
use vocabulary::Timestamp;

use crate::{Page, Slice, Store, StoreError, Tx, page, tx::bounded};

/// A row to be put.
#[derive(Debug, Clone, PartialEq)]
pub struct SettingRow<'a> {
    /// Whose setting it is: the coordinator's name with `-coordinator`, as the table has it.
    pub coordinator: &'a str,
    /// The setting.
    pub key: &'a str,
    /// Its value.
    pub value: &'a Value,
    /// The type hint: `string`, `int`, `bool`, `float`, `duration` or `object`.
    pub kind: &'a str,
    /// Whether the value is never shown.
    pub secret: bool,
}

/// One change of one setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Its place in the history.
    pub id: i64,
    /// The setting.
    pub key: String,
    /// What it was; nothing where the row was new.
    pub old_value: Option<Value>,
    /// What it became; nothing where the row was removed.
    pub new_value: Option<Value>,
    /// Whether the values are never shown.
    pub secret: bool,
    /// When.
    pub changed_at: Timestamp,
    /// By whom: an account, or the database account where a row was changed by hand.
    pub changed_by: String,
}

/// The rows of a coordinator.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn load(store: &Store, coordinator: &str) -> Result<BTreeMap<String, Value>, StoreError> {
    let rows = store
        .read("settings load", |mut connection| async move {
            sqlx::query!(
                "SELECT config_key, config_value FROM coordinator_config WHERE coordinator_name = $1",
                coordinator
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(rows.into_iter().map(|row| (row.config_key, row.config_value)).collect())
}

/// The rows as a transaction sees them, its own changes included; the coordinator's rows are locked until it ends, so
/// that two changes at once are one after the other.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn load_for_change(tx: &mut Tx, coordinator: &str) -> Result<BTreeMap<String, Value>, StoreError> {
    let bound = tx.bound();
    let lock =
        sqlx::query_scalar!("SELECT pg_advisory_xact_lock(hashtextextended('settings ' || $1, 0))::text", coordinator);
    bounded("settings lock", bound.clone(), lock.fetch_one(tx.connection())).await?;
    let statement = sqlx::query!(
        "SELECT config_key, config_value FROM coordinator_config WHERE coordinator_name = $1 FOR UPDATE",
        coordinator
    );
    let rows = bounded("settings load", bound, statement.fetch_all(tx.connection())).await?;
    Ok(rows.into_iter().map(|row| (row.config_key, row.config_value)).collect())
}

/// Puts a row. The same value again leaves no trace in the history.
///
/// # Errors
/// The kind is none of the table's, or the database does not answer within the bounds.
pub async fn put(tx: &mut Tx, row: &SettingRow<'_>, author: &str) -> Result<(), StoreError> {
    sign(tx, author).await?;
    let statement = sqlx::query!(
        "INSERT INTO coordinator_config (coordinator_name, config_key, config_value, config_type, is_secret)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (coordinator_name, config_key) DO UPDATE
         SET config_value = excluded.config_value, config_type = excluded.config_type, is_secret = excluded.is_secret",
        row.coordinator,
        row.key,
        row.value,
        row.kind,
        row.secret
    );
    let bound = tx.bound();
    bounded("settings put", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Removes a row, so that the default holds again. Says whether there was one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, coordinator: &str, key: &str, author: &str) -> Result<bool, StoreError> {
    sign(tx, author).await?;
    let statement = sqlx::query!(
        "DELETE FROM coordinator_config WHERE coordinator_name = $1 AND config_key = $2",
        coordinator,
        key
    );
    let bound = tx.bound();
    let done = bounded("settings remove", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() > 0)
}

/// The changes of a coordinator's settings, or of one of them, newest first.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn history(
    store: &Store,
    coordinator: &str,
    key: Option<&str>,
    slice: &Slice,
) -> Result<Page<Change>, StoreError> {
    let (before, limit) = (slice.after_number()?, slice.rows_to_read());
    let rows = store
        .read("settings history", |mut connection| async move {
            sqlx::query!(
                "SELECT id, config_key, old_value, new_value, is_secret, changed_at, changed_by
                 FROM coordinator_config_history
                 WHERE coordinator_name = $1 AND ($2::text IS NULL OR config_key = $2)
                   AND ($3::bigint IS NULL OR id < $3)
                 ORDER BY id DESC LIMIT $4",
                coordinator,
                key,
                before,
                limit
            )
            .map(|row| Change {
                id: row.id,
                key: row.config_key,
                old_value: row.old_value,
                new_value: row.new_value,
                secret: row.is_secret,
                changed_at: Timestamp::new(row.changed_at),
                changed_by: row.changed_by,
            })
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(page::Page::of(rows, slice, |change| change.id.to_string()))
}

/// One change of a coordinator's settings: the value to go back to is its `new_value`.
///
/// # Errors
/// There is no such change, or the database does not answer within the bounds.
pub async fn change(store: &Store, coordinator: &str, id: i64) -> Result<Change, StoreError> {
    let row = store
        .read("settings change", |mut connection| async move {
            sqlx::query!(
                "SELECT id, config_key, old_value, new_value, is_secret, changed_at, changed_by
                 FROM coordinator_config_history WHERE coordinator_name = $1 AND id = $2",
                coordinator,
                id
            )
            .map(|row| Change {
                id: row.id,
                key: row.config_key,
                old_value: row.old_value,
                new_value: row.new_value,
                secret: row.is_secret,
                changed_at: Timestamp::new(row.changed_at),
                changed_by: row.changed_by,
            })
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found(&format!("change of {coordinator}'s settings"), id))
}

/// All rows of a coordinator as they stood right after change `id`.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn as_of(store: &Store, coordinator: &str, id: i64) -> Result<BTreeMap<String, Value>, StoreError> {
    let rows = store
        .read("settings as of", |mut connection| async move {
            sqlx::query!(
                "SELECT DISTINCT ON (config_key) config_key, new_value FROM coordinator_config_history
                 WHERE coordinator_name = $1 AND id <= $2 ORDER BY config_key, id DESC",
                coordinator,
                id
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.config_key, row.new_value?))).collect())
}

/// Tells the database's own triggers who is at work in this transaction.
async fn sign(tx: &mut Tx, author: &str) -> Result<(), StoreError> {
    let bound = tx.bound();
    let statement = sqlx::query_scalar!("SELECT set_config('bigskies.author', $1, true)", author);
    bounded("settings author", bound, statement.fetch_one(tx.connection())).await.map(|_| ())
}
