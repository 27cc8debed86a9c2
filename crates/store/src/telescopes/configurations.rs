//! Telescopes as their owners configured them.

use vocabulary::{
    Timestamp,
    ids::{AccountName, SiteId, TelescopeId},
};

use super::{MountType, OwnerType, id_of};
use crate::{Page, Slice, Store, StoreError, Tx, tx::bounded};

/// A telescope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configuration {
    /// Its id.
    pub id: TelescopeId,
    /// What its owner calls it; two of one owner differ.
    pub name: String,
    /// More about it.
    pub description: String,
    /// Whose it is: the name of an account or of a group.
    pub owner: AccountName,
    /// Which of the two.
    pub owner_type: OwnerType,
    /// Where it stands.
    pub site: Option<SiteId>,
    /// How it moves.
    pub mount_type: MountType,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Which telescopes are wanted; what is left out fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this owner.
    pub owner: Option<AccountName>,
    /// With this name.
    pub name: Option<String>,
    /// At this site.
    pub site: Option<SiteId>,
}

/// A row as the statements below bring it.
struct Row {
    id: String,
    name: String,
    description: String,
    owner_id: String,
    owner_type: String,
    site_id: Option<String>,
    mount_type: String,
    enabled: bool,
    created_at: time::OffsetDateTime,
    updated_at: time::OffsetDateTime,
}

impl TryFrom<Row> for Configuration {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: id_of(row.id)?,
            name: row.name,
            description: row.description,
            owner: id_of(row.owner_id)?,
            owner_type: row.owner_type.parse()?,
            site: row.site_id.map(id_of).transpose()?,
            mount_type: row.mount_type.parse()?,
            enabled: row.enabled,
            created_at: Timestamp::new(row.created_at),
            updated_at: Timestamp::new(row.updated_at),
        })
    }
}

/// Keeps a new telescope.
///
/// # Errors
/// Its owner has one of this name, its site does not exist, or the database does not answer within the bounds.
pub async fn create(tx: &mut Tx, telescope: &Configuration) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "INSERT INTO telescope_configurations
             (id, name, description, owner_id, owner_type, site_id, mount_type, enabled, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        telescope.id.as_str(),
        telescope.name,
        telescope.description,
        telescope.owner.as_str(),
        telescope.owner_type.as_str(),
        telescope.site.as_ref().map(SiteId::as_str),
        telescope.mount_type.as_str(),
        telescope.enabled,
        telescope.created_at.instant(),
        telescope.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("telescope create", bound, statement.execute(tx.connection())).await;
    done.map(|_| ()).map_err(|error| named(error, telescope))
}

/// Keeps what has changed of a telescope; when it was made stays.
///
/// # Errors
/// It does not exist, its owner has another one of this name, its site does not exist, or the database does not answer
/// within the bounds.
pub async fn update(tx: &mut Tx, telescope: &Configuration) -> Result<(), StoreError> {
    let statement = sqlx::query!(
        "UPDATE telescope_configurations SET name = $2, description = $3, owner_id = $4, owner_type = $5, site_id = $6,
             mount_type = $7, enabled = $8, updated_at = $9
         WHERE id = $1",
        telescope.id.as_str(),
        telescope.name,
        telescope.description,
        telescope.owner.as_str(),
        telescope.owner_type.as_str(),
        telescope.site.as_ref().map(SiteId::as_str),
        telescope.mount_type.as_str(),
        telescope.enabled,
        telescope.updated_at.instant()
    );
    let bound = tx.bound();
    let done = bounded("telescope update", bound, statement.execute(tx.connection())).await;
    match done.map_err(|error| named(error, telescope))?.rows_affected() {
        0 => Err(StoreError::not_found("telescope", &telescope.id)),
        _ => Ok(()),
    }
}

/// The words of the operator for what the constraints say.
fn named(error: StoreError, telescope: &Configuration) -> StoreError {
    match error {
        StoreError::Conflict { what } if what.contains("telescope_name_of_owner") => StoreError::Conflict {
            what: format!("telescope name {:?} is taken: {} has one of this name", telescope.name, telescope.owner),
        },
        StoreError::Conflict { what } if what.contains("site_id") => match &telescope.site {
            Some(site) => StoreError::not_found("site", site),
            None => StoreError::Conflict { what },
        },
        StoreError::Conflict { what } if what.contains("_pkey") => {
            StoreError::Conflict { what: format!("telescope {} exists", telescope.id) }
        }
        other => other,
    }
}

/// One telescope.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn get(store: &Store, id: &TelescopeId) -> Result<Configuration, StoreError> {
    let row = store
        .read("telescope get", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, owner_id, owner_type, site_id, mount_type, enabled, created_at, updated_at
                 FROM telescope_configurations WHERE id = $1",
                id.as_str()
            )
            .fetch_optional(&mut *connection)
            .await
        })
        .await?;
    row.ok_or_else(|| StoreError::not_found("telescope", id))?.try_into()
}

/// The telescopes that fit, by id.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<Configuration>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("telescopes list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                "SELECT id, name, description, owner_id, owner_type, site_id, mount_type, enabled, created_at, updated_at
                 FROM telescope_configurations
                 WHERE ($1::text IS NULL OR owner_id = $1) AND ($2::text IS NULL OR name = $2)
                   AND ($3::text IS NULL OR site_id = $3) AND ($4::text IS NULL OR id > $4)
                 ORDER BY id LIMIT $5",
                filter.owner.as_ref().map(AccountName::as_str),
                filter.name.as_deref(),
                filter.site.as_ref().map(SiteId::as_str),
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let telescopes = rows.into_iter().map(Configuration::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page::of(telescopes, slice, |telescope| telescope.id.to_string()))
}

/// Removes a telescope; its devices stay and have no role on it any more.
///
/// # Errors
/// It does not exist, or the database does not answer within the bounds.
pub async fn remove(tx: &mut Tx, id: &TelescopeId) -> Result<(), StoreError> {
    let statement = sqlx::query!("DELETE FROM telescope_configurations WHERE id = $1", id.as_str());
    let bound = tx.bound();
    let done = bounded("telescope remove", bound, statement.execute(tx.connection())).await?;
    if done.rows_affected() == 0 { Err(StoreError::not_found("telescope", id)) } else { Ok(()) }
}
