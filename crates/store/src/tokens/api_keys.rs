//! API keys: a user's, for programs that act in the user's name within scopes.

use serde_json::Value;
use sqlx::PgConnection;
use vocabulary::{
    Timestamp,
    ids::{AccountName, ApiKeyId, UserId},
};

use super::{Hash, hash_of, id_of, scopes_in, scopes_of};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// An API key. The key itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its row.
    pub id: ApiKeyId,
    /// The part of the key by which it is found and known to people.
    pub prefix: String,
    /// The hash of the whole key.
    pub sha256: Hash,
    /// Whose it is.
    pub user_id: UserId,
    /// What the user is called.
    pub account: AccountName,
    /// What the user calls it.
    pub name: String,
    /// What it is good for; nothing is said where that is all that the user may.
    pub scopes: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was used last, give or take a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// A row as the statements below bring it.
pub(super) struct Row {
    id: String,
    prefix: String,
    sha256: Vec<u8>,
    user_id: String,
    account: String,
    name: String,
    scopes: Option<Value>,
    created_at: time::OffsetDateTime,
    expires_at: Option<time::OffsetDateTime>,
    last_used_at: Option<time::OffsetDateTime>,
    revoked_at: Option<time::OffsetDateTime>,
}

impl TryFrom<Row> for ApiKey {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            prefix: row.prefix,
            sha256: hash_of(row.sha256)?,
            user_id: id_of(row.user_id)?,
            account: id_of(row.account)?,
            name: row.name,
            scopes: scopes_of(row.scopes)?,
            created_at: Timestamp::new(row.created_at),
            expires_at: row.expires_at.map(Timestamp::new),
            last_used_at: row.last_used_at.map(Timestamp::new),
            revoked_at: row.revoked_at.map(Timestamp::new),
        })
    }
}

/// Adds a key, unless its user has `keys_max` of them that are good, or its prefix is taken.
///
/// # Errors
/// See [`Added`] for what is none; the database does not answer within the bounds.
pub async fn add(tx: &mut Tx, key: &ApiKey, keys_max: i64) -> Result<Added, StoreError> {
    let bound = tx.bound();
    // Two keys of one user at once are one after the other, or both would find room for one.
    let lock = sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 5))", key.user_id.as_str());
    bounded("API key lock", bound.clone(), lock.execute(tx.connection())).await?;
    let statement = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys
           WHERE user_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"#,
        key.user_id.as_str(),
        key.created_at.instant()
    );
    if bounded("API key count", bound.clone(), statement.fetch_one(tx.connection())).await? >= keys_max {
        return Ok(Added::Full);
    }
    let statement = sqlx::query!(
        "INSERT INTO api_keys (id, prefix, sha256, user_id, account, name, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (prefix) DO NOTHING",
        key.id.as_str(),
        key.prefix,
        &key.sha256[..],
        key.user_id.as_str(),
        key.account.as_str(),
        key.name,
        scopes_in(key.scopes.as_ref()),
        key.created_at.instant(),
        key.expires_at.map(Timestamp::instant)
    );
    let done = bounded("API key add", bound, statement.execute(tx.connection())).await?;
    Ok(if done.rows_affected() == 1 { Added::Yes } else { Added::PrefixTaken })
}

/// What became of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Yes,
    /// Another key has its prefix.
    PrefixTaken,
    /// Its user has as many as there may be.
    Full,
}

/// Takes a key back. Once more is no error.
///
/// # Errors
/// There is none, or the database does not answer within the bounds.
pub async fn revoke(tx: &mut Tx, id: &ApiKeyId, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE api_keys SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1",
        id.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("API key revoke", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("API key", id)) } else { Ok(()) }
}

/// Takes all keys of a user back. Says how many.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn revoke_of(tx: &mut Tx, user: &UserId, now: Timestamp) -> Result<u64, StoreError> {
    let statement = sqlx::query!(
        "UPDATE api_keys SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        user.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    bounded("API keys revoke", bound, statement.execute(tx.connection())).await.map(|done| done.rows_affected())
}

/// One key, good or not.
///
/// # Errors
/// There is none, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &ApiKeyId) -> Result<ApiKey, StoreError> {
    let row = store
        .read("API key get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, prefix, sha256, user_id, account, name, scopes, created_at, expires_at, last_used_at, revoked_at
                 FROM api_keys WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("API key", id))?.try_into()
}

/// The keys of one user or of all, good or not, by their ids.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, user: Option<&UserId>, slice: &Slice) -> Result<Page<ApiKey>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let (after, user) = (after.as_deref(), user.map(UserId::as_str));
    let rows = store
        .read("API keys list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, prefix, sha256, user_id, account, name, scopes, created_at, expires_at, last_used_at, revoked_at
                 FROM api_keys WHERE ($1::text IS NULL OR user_id = $1) AND ($2::text IS NULL OR id > $2)
                 ORDER BY id LIMIT $3",
                user,
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let keys = rows.into_iter().map(ApiKey::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(keys, slice, |key| key.id.to_string()))
}

/// The rows of all keys: of one that ended it is to be known that it did.
pub(super) async fn rows(connection: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        "SELECT id, prefix, sha256, user_id, account, name, scopes, created_at, expires_at, last_used_at, revoked_at
         FROM api_keys"
    )
    .fetch_all(connection)
    .await
}

/// Notes when keys were used last.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn touch(store: &Store, used: &[(ApiKeyId, Timestamp)]) -> Result<(), StoreError> {
    let ids: &Vec<String> = &used.iter().map(|(id, _)| id.to_string()).collect();
    let instants: &Vec<_> = &used.iter().map(|(_, at)| at.instant()).collect();
    store
        .read("API keys touch", |mut connection| async move {
            sqlx::query!(
                "UPDATE api_keys SET last_used_at = greatest(last_used_at, used.at)
                 FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at) WHERE api_keys.id = used.id",
                ids,
                instants
            )
            .execute(&mut *connection)
            .await
        })
        .await
        .map(|_| ())
}

/// Removes keys that ended before `then`, by themselves or taken back.
pub(super) async fn forget(store: &Store, then: Timestamp) -> Result<u64, StoreError> {
    let then = then.instant();
    let done = store
        .read("API keys forget", |mut connection| async move {
            sqlx::query!("DELETE FROM api_keys WHERE least(expires_at, revoked_at) < $1", then)
                .execute(&mut *connection)
                .await
        })
        .await?;
    Ok(done.rows_affected())
}
