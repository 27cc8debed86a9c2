//! Sessions: what follows from one login. A session is its refresh tokens, of which the one that was not used yet can go on.

use serde_json::Value;
use vocabulary::{
    Timestamp,
    ids::{AccountName, SessionId, UserId},
};

use super::{Hash, hash_of, id_of, scopes_in, scopes_of};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// A refresh token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// The hash of it.
    pub hash: Hash,
    /// The session that it belongs to.
    pub session: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What the user was called.
    pub account: AccountName,
    /// The user's epoch at the login.
    pub epoch: i64,
    /// For whom the session's tokens are.
    pub audience: String,
    /// What they are good for; nothing is said where that is all that the user may.
    pub scopes: Option<Vec<String>>,
    /// What the client said of itself at the login.
    pub client: String,
    /// When the session began.
    pub session_began_at: Timestamp,
    /// When this token was handed out.
    pub issued_at: Timestamp,
    /// Unused for longer, it is refused.
    pub expires_at: Timestamp,
    /// The session's end, whatever happens.
    pub absolute_expires_at: Timestamp,
    /// The end of the access token that came with it.
    pub access_expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When the session was taken back.
    pub revoked_at: Option<Timestamp>,
}

/// A session that can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// What the user was called.
    pub account: AccountName,
    /// What the client said of itself at the login.
    pub client: String,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was heard of last.
    pub refreshed_at: Timestamp,
    /// Unused until then, it ends.
    pub expires_at: Timestamp,
    /// Its end, whatever happens.
    pub absolute_expires_at: Timestamp,
}

/// A session that was taken back, and when its last access token ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its id.
    pub id: SessionId,
    /// Whose it was.
    pub user_id: UserId,
    /// The end of its last access token.
    pub access_expires_at: Timestamp,
}

/// A row as the statements below bring it.
struct Row {
    hash: Vec<u8>,
    session: String,
    user_id: String,
    account: String,
    epoch: i64,
    audience: String,
    scopes: Option<Value>,
    client: String,
    session_began_at: time::OffsetDateTime,
    issued_at: time::OffsetDateTime,
    expires_at: time::OffsetDateTime,
    absolute_expires_at: time::OffsetDateTime,
    access_expires_at: time::OffsetDateTime,
    used_at: Option<time::OffsetDateTime>,
    revoked_at: Option<time::OffsetDateTime>,
}

impl TryFrom<Row> for RefreshToken {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            hash: hash_of(row.hash)?,
            session: id_of(row.session)?,
            user_id: id_of(row.user_id)?,
            account: id_of(row.account)?,
            epoch: row.epoch,
            audience: row.audience,
            scopes: scopes_of(row.scopes)?,
            client: row.client,
            session_began_at: Timestamp::new(row.session_began_at),
            issued_at: Timestamp::new(row.issued_at),
            expires_at: Timestamp::new(row.expires_at),
            absolute_expires_at: Timestamp::new(row.absolute_expires_at),
            access_expires_at: Timestamp::new(row.access_expires_at),
            used_at: row.used_at.map(Timestamp::new),
            revoked_at: row.revoked_at.map(Timestamp::new),
        })
    }
}

/// Adds a refresh token.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn add(tx: &mut Tx, token: &RefreshToken) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO refresh_tokens (hash, session, user_id, account, epoch, audience, scopes, client, session_began_at,
             issued_at, expires_at, absolute_expires_at, access_expires_at, used_at, revoked_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        &token.hash[..],
        token.session.as_str(),
        token.user_id.as_str(),
        token.account.as_str(),
        token.epoch,
        token.audience,
        scopes_in(token.scopes.as_ref()),
        token.client,
        token.session_began_at.instant(),
        token.issued_at.instant(),
        token.expires_at.instant(),
        token.absolute_expires_at.instant(),
        token.access_expires_at.instant(),
        token.used_at.map(Timestamp::instant),
        token.revoked_at.map(Timestamp::instant)
    );
    let bound = tx.bound();
    bounded("refresh token", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// A refresh token by its hash, which nobody else uses until the transaction ends.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn locked(tx: &mut Tx, hash: &Hash) -> Result<Option<RefreshToken>, StoreError> {
    let statement = sqlx::query_as!(
        Row,
        "SELECT hash, session, user_id, account, epoch, audience, scopes, client, session_began_at, issued_at, expires_at,
             absolute_expires_at, access_expires_at, used_at, revoked_at
         FROM refresh_tokens WHERE hash = $1 FOR UPDATE",
        &hash[..]
    );
    let bound = tx.bound();
    let row = bounded("refresh token", bound, statement.fetch_optional(tx.connection())).await?;
    row.map(RefreshToken::try_from).transpose()
}

/// Whether a session was taken back.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn is_ended(tx: &mut Tx, session: &SessionId) -> Result<bool, StoreError> {
    // A refresh token that came about while the session was being taken back is not marked itself.
    let statement = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM refresh_tokens WHERE session = $1 AND revoked_at IS NOT NULL) AS "ended!""#,
        session.as_str()
    );
    let bound = tx.bound();
    bounded("session", bound, statement.fetch_one(tx.connection())).await
}

/// A refresh token by its hash.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn get(store: &Store, hash: &Hash) -> Result<Option<RefreshToken>, StoreError> {
    let row = store
        .read("refresh token", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT hash, session, user_id, account, epoch, audience, scopes, client, session_began_at, issued_at,
                     expires_at, absolute_expires_at, access_expires_at, used_at, revoked_at
                 FROM refresh_tokens WHERE hash = $1",
                &hash[..]
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.map(RefreshToken::try_from).transpose()
}

/// Notes that a refresh token was used.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn used(tx: &mut Tx, hash: &Hash, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!("UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1", &hash[..], now.instant());
    let bound = tx.bound();
    bounded("refresh token used", bound, statement.execute(tx.connection())).await.map(|_| ())
}

/// Takes sessions back: one, all of a user but one, or everybody's. Says which were not before.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn end(tx: &mut Tx, which: Which<'_>, now: Timestamp) -> Result<Vec<Ended>, StoreError> {
    let (session, user, but) = match which {
        Which::One(session) => (Some(session.as_str()), None, None),
        Which::OneOf { session, user } => (Some(session.as_str()), Some(user.as_str()), None),
        Which::Everybody => (None, None, None),
        Which::OfUser { user, but } => (None, Some(user.as_str()), but.map(SessionId::as_str)),
    };
    let statement = sqlx::query!(
        r#"WITH ended AS (
             UPDATE refresh_tokens SET revoked_at = $4
             WHERE revoked_at IS NULL AND ($1::text IS NULL OR session = $1) AND ($2::text IS NULL OR user_id = $2)
                 AND ($1::text IS NOT NULL OR $2::text IS NOT NULL OR $5) AND ($3::text IS NULL OR session <> $3)
             RETURNING session, user_id, access_expires_at)
           SELECT session, user_id, max(access_expires_at) AS "access_expires_at!" FROM ended GROUP BY session, user_id"#,
        session,
        user,
        but,
        now.instant(),
        which == Which::Everybody
    );
    let bound = tx.bound();
    let rows = bounded("sessions end", bound, statement.fetch_all(tx.connection())).await?;
    let ended = |row: (String, String, time::OffsetDateTime)| {
        Ok(Ended { id: id_of(row.0)?, user_id: id_of(row.1)?, access_expires_at: Timestamp::new(row.2) })
    };
    rows.into_iter().map(|row| ended((row.session, row.user_id, row.access_expires_at))).collect()
}

/// Which sessions are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'a> {
    /// This one.
    One(&'a SessionId),
    /// This one, if it is this user's.
    OneOf {
        /// The session.
        session: &'a SessionId,
        /// The user.
        user: &'a UserId,
    },
    /// All that there are.
    Everybody,
    /// All of a user, but for the one from which that is asked.
    OfUser {
        /// The user.
        user: &'a UserId,
        /// The one that stays.
        but: Option<&'a SessionId>,
    },
}

/// The oldest sessions of a user that can go on, beyond the newest `kept`.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn surplus(tx: &mut Tx, user: &UserId, kept: i64, now: Timestamp) -> Result<Vec<SessionId>, StoreError> {
    let statement = sqlx::query_scalar!(
        "SELECT session FROM refresh_tokens
         WHERE user_id = $1 AND used_at IS NULL AND revoked_at IS NULL AND expires_at > $2
         ORDER BY session_began_at DESC, session DESC OFFSET $3",
        user.as_str(),
        now.instant(),
        kept
    );
    let bound = tx.bound();
    let rows = bounded("sessions surplus", bound, statement.fetch_all(tx.connection())).await?;
    rows.into_iter().map(id_of).collect()
}

/// The sessions that can go on, of one user or of all, by their ids.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(
    store: &Store,
    user: Option<&UserId>,
    now: Timestamp,
    slice: &Slice,
) -> Result<Page<Session>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let (after, user, now) = (after.as_deref(), user.map(UserId::as_str), now.instant());
    let rows = store
        .read("sessions list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT hash, session, user_id, account, epoch, audience, scopes, client, session_began_at, issued_at,
                     expires_at, absolute_expires_at, access_expires_at, used_at, revoked_at
                 FROM refresh_tokens
                 WHERE used_at IS NULL AND revoked_at IS NULL AND expires_at > $1
                   AND ($2::text IS NULL OR user_id = $2) AND ($3::text IS NULL OR session > $3)
                 ORDER BY session LIMIT $4",
                now,
                user,
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let session = |row: Row| {
        RefreshToken::try_from(row).map(|token| Session {
            id: token.session,
            user_id: token.user_id,
            account: token.account,
            client: token.client,
            began_at: token.session_began_at,
            refreshed_at: token.issued_at,
            expires_at: token.expires_at,
            absolute_expires_at: token.absolute_expires_at,
        })
    };
    let sessions = rows.into_iter().map(session).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(sessions, slice, |session| session.id.to_string()))
}

/// Removes refresh tokens that ended before `then`.
pub(super) async fn forget(store: &Store, then: Timestamp) -> Result<u64, StoreError> {
    let then = then.instant();
    let done = store
        .read("refresh tokens forget", |mut connection| async move {
            // A session that was taken back is remembered until nothing of it could be good any more.
            sqlx::query!(
                "DELETE FROM refresh_tokens
                 WHERE expires_at < $1 AND access_expires_at < $1 AND (revoked_at IS NULL OR absolute_expires_at < $1)",
                then
            )
            .execute(&mut *connection)
            .await
        })
        .await?;
    Ok(done.rows_affected())
}
