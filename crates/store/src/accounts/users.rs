//! Accounts of people, plugins and nodes, with what proves them.

use vocabulary::{
    Timestamp,
    ids::{AccountName, GroupId, OrganisationId, RoleId, UserId},
};

use super::{ADMINISTRATOR, count_of, id_of, named};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// An account, without what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// What it logs in as. It stays, and no other account ever has it.
    pub username: AccountName,
    /// Where its owner is written to; no two accounts share one.
    pub email: Option<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whose member it is.
    pub organisation: Option<OrganisationId>,
    /// Tokens issued under a smaller number are void.
    pub token_epoch: u64,
    /// Whether the password must be replaced at the next login.
    pub must_change_password: bool,
    /// When the password was set.
    pub password_changed_at: Option<Timestamp>,
    /// Whether it can log in with a password at all.
    pub has_password: bool,
    /// Whether a second factor is asked for.
    pub has_second_factor: bool,
    /// Whether it belongs to a plugin or a node instead of a person.
    pub is_service: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// What proves an account. Not for the eyes of anybody.
#[derive(Clone, PartialEq, Eq)]
pub struct Proofs {
    /// The password in its hashed, textual form.
    pub password_hash: Option<String>,
    /// The sealed secret of the second factor, confirmed or not.
    pub totp_secret: Option<String>,
    /// The last step of the second factor that was used.
    pub totp_last_step: Option<u64>,
}

impl std::fmt::Debug for Proofs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proofs").finish_non_exhaustive()
    }
}

/// Which accounts are wanted; what is left out fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Enabled ones, or disabled ones.
    pub enabled: Option<bool>,
    /// Members of this organisation.
    pub organisation: Option<OrganisationId>,
    /// Members of this group.
    pub group: Option<GroupId>,
    /// Holders of this role.
    pub role: Option<RoleId>,
    /// With this text in the name or the email address, in whatever case.
    pub search: Option<String>,
}

/// Who may log in again under what must change: see [`set_password`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MustChange {
    /// The password is its owner's own choice.
    No,
    /// Somebody else chose it.
    Yes,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    username: String,
    email: Option<String>,
    enabled: bool,
    organisation_id: Option<String>,
    token_epoch: i64,
    must_change_password: bool,
    password_changed_at: Option<time::OffsetDateTime>,
    password_hash: Option<String>,
    totp_secret: Option<String>,
    totp_confirmed_at: Option<time::OffsetDateTime>,
    totp_last_step: Option<i64>,
    is_service: bool,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

/// Reads accounts; what follows is the rest of the statement and its parameters.
macro_rules! select {
    ($rest:tt $(, $parameter:expr)* $(,)?) => {
        sqlx::query_as!(
            Row,
            "SELECT id, username, email, enabled, organisation_id, token_epoch, must_change_password, password_changed_at,
                 password_hash, totp_secret, totp_confirmed_at, totp_last_step, is_service, created_at, updated_at
             FROM users u " + $rest
            $(, $parameter)*
        )
    };
}

impl TryFrom<Row> for (User, Proofs) {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let user = User {
            id: id_of(row.id)?,
            username: id_of(row.username)?,
            email: row.email,
            enabled: row.enabled,
            organisation: row.organisation_id.map(id_of).transpose()?,
            token_epoch: count_of(row.token_epoch),
            must_change_password: row.must_change_password,
            password_changed_at: row.password_changed_at.map(Timestamp::new),
            has_password: row.password_hash.is_some(),
            has_second_factor: row.totp_confirmed_at.is_some(),
            is_service: row.is_service,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        };
        let proofs = Proofs {
            password_hash: row.password_hash,
            totp_secret: row.totp_secret,
            totp_last_step: row.totp_last_step.map(count_of),
        };
        Ok((user, proofs))
    }
}

fn user_of(row: Row) -> Result<User, StoreError> {
    <(User, Proofs)>::try_from(row).map(|(user, _)| user)
}

/// Keeps a new account.
///
/// # Errors
/// Its name or email address is taken, its organisation does not exist, or the database does not answer within the bounds.
pub async fn create(tx: &mut Tx, user: &User, password_hash: Option<&str>) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO users (id, username, email, password_hash, password_changed_at, must_change_password, enabled,
             organisation_id, token_epoch, is_service, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        user.id.as_str(),
        user.username.as_str(),
        user.email,
        password_hash,
        user.password_changed_at.map(Timestamp::instant),
        user.must_change_password,
        user.enabled,
        user.organisation.as_ref().map(OrganisationId::as_str),
        i64::try_from(user.token_epoch).unwrap_or(i64::MAX),
        user.is_service,
        user.created_at.instant(),
        user.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("user create", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| named(error, "user", user.username.as_str()))
}

/// Keeps what has changed of an account: its email address, its organisation, and whether its password must be replaced.
///
/// # Errors
/// It does not exist, its email address is taken, its organisation does not exist, or the database does not answer within the bounds.
pub async fn update(tx: &mut Tx, user: &User) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE users SET email = $2, organisation_id = $3, must_change_password = $4, updated_at = $5 WHERE id = $1",
        user.id.as_str(),
        user.email,
        user.organisation.as_ref().map(OrganisationId::as_str),
        user.must_change_password,
        user.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("user update", bound, statement.execute(tx.connection())).await;
    let done = done.map_err(|error| named(error, "user", user.username.as_str()))?;
    found(done.rows_affected(), &user.id)
}

/// Lets an account be used, or not any more. To disable it voids its tokens.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn set_enabled(tx: &mut Tx, id: &UserId, enabled: bool, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE users SET enabled = $2, updated_at = $3,
             token_epoch = token_epoch + CASE WHEN enabled AND NOT $2 THEN 1 ELSE 0 END
         WHERE id = $1",
        id.as_str(),
        enabled,
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("user enable", bound, statement.execute(tx.connection())).await?;
    found(done.rows_affected(), id)
}

/// Sets the password, or takes it away, and voids the account's tokens.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn set_password(
    tx: &mut Tx,
    id: &UserId,
    hash: Option<&str>,
    must_change: MustChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE users SET password_hash = $2, must_change_password = $3, password_changed_at = $4, updated_at = $4,
             token_epoch = token_epoch + 1
         WHERE id = $1",
        id.as_str(),
        hash,
        must_change == MustChange::Yes,
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("user password", bound, statement.execute(tx.connection())).await?;
    found(done.rows_affected(), id)
}

/// Keeps the same password in a newer form. Tells whether it was still the one that was proven.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn replace_hash(tx: &mut Tx, id: &UserId, old: &str, new: &str) -> Result<bool, StoreError> {
    let statement =
        sqlx::query!("UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2", id.as_str(), old, new);
    let bound = tx.bound();
    let done = bounded("user password upgrade", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() == 1)
}

/// The highest cost (the binary logarithm of its rounds) with which a password is kept as bcrypt, if one is.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn bcrypt_cost_max(store: &Store) -> Result<Option<u32>, StoreError> {
    let cost = store
        .read("users bcrypt", |mut connection| async move {
            sqlx::query_scalar!("SELECT max(substr(password_hash, 5, 2)) FROM users WHERE password_hash LIKE '$2_$%'")
                .fetch_one(&mut *connection)
                .await
        })
        .await?;
    Ok(cost.and_then(|cost| cost.parse().ok()))
}

/// Voids the tokens of an account.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn void_tokens(tx: &mut Tx, id: &UserId) -> Result<(), StoreError> {
    let statement = sqlx::query!("UPDATE users SET token_epoch = token_epoch + 1 WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("user tokens", bound, statement.execute(tx.connection())).await?;
    found(done.rows_affected(), id)
}

/// Keeps a second factor that is not asked for before [`confirm_totp`], or takes the one that is there away.
///
/// # Errors
/// The account does not exist, or the database does not answer within the bounds.
pub async fn set_totp(tx: &mut Tx, id: &UserId, sealed: Option<&str>, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE users SET totp_secret = $2, totp_confirmed_at = NULL, totp_last_step = NULL, updated_at = $3 WHERE id = $1",
        id.as_str(),
        sealed,
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("user second factor", bound, statement.execute(tx.connection())).await?;
    found(done.rows_affected(), id)
}

/// Asks for the second factor from now on.
///
/// # Errors
/// The account does not exist, or the database does not answer within the bounds.
pub async fn confirm_totp(tx: &mut Tx, id: &UserId, now: Timestamp) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE users SET totp_confirmed_at = $2, updated_at = $2 WHERE id = $1 AND totp_secret IS NOT NULL",
        id.as_str(),
        now.instant()
    );
    let bound = tx.bound();
    let done = bounded("user second factor", bound, statement.execute(tx.connection())).await?;
    found(done.rows_affected(), id)
}

/// Uses up a step of the second factor. Tells whether it was later than every one before.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn use_totp_step(tx: &mut Tx, id: &UserId, step: u64) -> Result<bool, StoreError> {
    let statement = sqlx::query!(
        "UPDATE users SET totp_last_step = $2
         WHERE id = $1 AND totp_secret IS NOT NULL AND (totp_last_step IS NULL OR totp_last_step < $2)",
        id.as_str(),
        i64::try_from(step).unwrap_or(i64::MAX)
    );
    let bound = tx.bound();
    let done = bounded("user second factor", bound, statement.execute(tx.connection())).await?;
    Ok(done.rows_affected() == 1)
}

fn found(rows: u64, id: &UserId) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::not_found("user", id)) } else { Ok(()) }
}

/// One account.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &UserId) -> Result<User, StoreError> {
    let row = store
        .read("user get", |mut connection| async move {
            select!("WHERE id = $1", id.as_str()).fetch_optional(&mut *connection).await
        })
        .await?;
    user_of(row.ok_or_else(|| StoreError::not_found("user", id))?)
}

/// The account of this name, letter by letter.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn of_name(store: &Store, name: &AccountName) -> Result<User, StoreError> {
    let found = with_proofs(store, name).await?;
    found.map(|(user, _)| user).ok_or_else(|| StoreError::not_found("user", name))
}

/// The account of this name with what proves it, if there is one.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn with_proofs(store: &Store, name: &AccountName) -> Result<Option<(User, Proofs)>, StoreError> {
    let row = store
        .read("user by name", |mut connection| async move {
            select!("WHERE lower(username) = lower($1) AND username = $1", name.as_str())
                .fetch_optional(&mut *connection)
                .await
        })
        .await?;
    row.map(TryInto::try_into).transpose()
}

/// One account with what proves it; nobody else changes it before this transaction ends.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn lock(tx: &mut Tx, id: &UserId) -> Result<(User, Proofs), StoreError> {
    let statement = select!("WHERE id = $1 FOR NO KEY UPDATE", id.as_str());
    let bound = tx.bound();
    let row = bounded("user lock", bound, statement.fetch_optional(tx.connection())).await?;
    row.ok_or_else(|| StoreError::not_found("user", id))?.try_into()
}

/// The accounts that fit, by name.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<User>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("users list", |mut connection| async move {
            select!(
                "WHERE ($1::boolean IS NULL OR enabled = $1) AND ($2::text IS NULL OR organisation_id = $2)
                   AND ($3::text IS NULL OR EXISTS (SELECT FROM user_groups m WHERE m.user_id = u.id AND m.group_id = $3))
                   AND ($4::text IS NULL OR EXISTS (SELECT FROM user_roles m WHERE m.user_id = u.id AND m.role_id = $4))
                   AND ($5::text IS NULL OR strpos(lower(username), lower($5)) > 0 OR strpos(lower(email), lower($5)) > 0)
                   AND ($6::text IS NULL OR lower(username) > $6)
                 ORDER BY lower(username) LIMIT $7",
                filter.enabled,
                filter.organisation.as_ref().map(OrganisationId::as_str),
                filter.group.as_ref().map(GroupId::as_str),
                filter.role.as_ref().map(RoleId::as_str),
                filter.search.as_deref(),
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let users = rows.into_iter().map(user_of).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(users, slice, |user| user.username.as_str().to_ascii_lowercase()))
}

/// How many administrators could set things right again: enabled, with the role, and not denied everything that concerns accounts. Until
/// this transaction ends, nobody else who counts them changes anything, so that two can't take away the last two at once.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn count_administrators(tx: &mut Tx) -> Result<u64, StoreError> {
    let bound = tx.bound();
    let lock = sqlx::query!("SELECT id FROM roles WHERE id = $1 FOR NO KEY UPDATE", ADMINISTRATOR);
    bounded("administrators", bound.clone(), lock.fetch_optional(tx.connection())).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role_id = $1
         WHERE u.enabled AND NOT EXISTS (
             SELECT FROM permissions p
             WHERE p.effect = 'deny' AND p.scope IS NULL AND p.resource IN ('*', 'user', 'role', 'group', 'permission')
               AND (EXISTS (SELECT FROM user_roles ur JOIN role_permissions rp USING (role_id)
                        WHERE ur.user_id = u.id AND rp.permission_id = p.id)
                 OR EXISTS (SELECT FROM user_groups ug JOIN group_permissions gp USING (group_id)
                        WHERE ug.user_id = u.id AND gp.permission_id = p.id)))"#,
        ADMINISTRATOR
    );
    bounded("administrators", bound, count.fetch_one(tx.connection())).await.map(count_of)
}

/// Whether anybody enabled has the administrator's role.
///
/// # Errors
/// The database does not answer within the bounds.
pub async fn has_administrator(store: &Store) -> Result<bool, StoreError> {
    store
        .read("administrators", |mut connection| async move {
            sqlx::query_scalar!(
                r#"SELECT EXISTS (SELECT FROM users u JOIN user_roles r ON r.user_id = u.id AND r.role_id = $1
                     WHERE u.enabled) AS "exists!""#,
                ADMINISTRATOR
            )
            .fetch_one(&mut *connection)
            .await
        })
        .await
}
