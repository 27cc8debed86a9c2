//! Which permission was granted to which role or group.

use vocabulary::{
    Timestamp,
    ids::{GroupId, PermissionId, RoleId, UserId},
};

use super::{
    id_of,
    permissions::{Effect, Holder, Rule},
};
use crate::{Page, Slice, Store, StoreError};

/// A permission as one role or group has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The permission's id, which others with the same rule share.
    pub id: PermissionId,
    /// What it says.
    pub rule: Rule,
    /// Who has it.
    pub holder: Holder,
    /// Since when.
    pub granted_at: Timestamp,
}

/// Which grants are wanted; what is left out fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Those of this role.
    pub role: Option<RoleId>,
    /// Those of this group.
    pub group: Option<GroupId>,
    /// Those that this account has through its roles and groups.
    pub user: Option<UserId>,
    /// Those on this kind of thing.
    pub resource: Option<String>,
}

/// A row as the statement below brings it.
struct Row {
    id: String,
    resource: String,
    action: String,
    effect: String,
    scope: Option<String>,
    role_id: Option<String>,
    group_id: Option<String>,
    granted_at: time::OffsetDateTime,
    place: String,
}

impl TryFrom<Row> for Grant {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let holder = match (row.role_id, row.group_id) {
            (Some(role), None) => Holder::Role(id_of(role)?),
            (None, Some(group)) => Holder::Group(id_of(group)?),
            _ => return Err(StoreError::unreadable("grants", "a grant is neither a role's nor a group's")),
        };
        let effect = Effect::of(&row.effect);
        let rule = Rule { resource: row.resource, action: row.action, effect, scope: row.scope };
        Ok(Self { id: id_of(row.id)?, rule, holder, granted_at: Timestamp::new(row.granted_at) })
    }
}

/// The grants that fit, by resource, action, and who has them.
///
/// # Errors
/// The cursor is none of this list's, or the database does not answer within the bounds.
pub async fn list(store: &Store, filter: &Filter, slice: &Slice) -> Result<Page<Grant>, StoreError> {
    let (after, limit) = (slice.after()?, slice.rows_to_read());
    let after = after.as_deref();
    let rows = store
        .read("grants list", |mut connection| async move {
            sqlx::query_as!(
                Row,
                r#"SELECT id AS "id!", resource AS "resource!", action AS "action!", effect AS "effect!", scope,
                       role_id, group_id, granted_at AS "granted_at!", place AS "place!"
                   FROM (SELECT p.id, p.resource, p.action, p.effect, p.scope, g.role_id, g.group_id, g.granted_at,
                           concat_ws(' ', p.resource, p.action, p.effect, coalesce(p.scope, '-'),
                               coalesce('role ' || g.role_id, 'group ' || g.group_id)) COLLATE "C" AS place
                         FROM (SELECT permission_id, role_id, NULL::text AS group_id, created_at AS granted_at
                               FROM role_permissions
                               UNION ALL
                               SELECT permission_id, NULL, group_id, created_at FROM group_permissions) AS g
                         JOIN permissions p ON p.id = g.permission_id) AS granted
                   WHERE ($1::text IS NULL OR role_id = $1) AND ($2::text IS NULL OR group_id = $2)
                     AND ($3::text IS NULL OR resource = $3)
                     AND ($4::text IS NULL
                         OR EXISTS (SELECT FROM user_roles m WHERE m.role_id = granted.role_id AND m.user_id = $4)
                         OR EXISTS (SELECT FROM user_groups m WHERE m.group_id = granted.group_id AND m.user_id = $4))
                     AND ($5::text IS NULL OR place > $5 COLLATE "C")
                   ORDER BY place LIMIT $6"#,
                filter.role.as_ref().map(RoleId::as_str),
                filter.group.as_ref().map(GroupId::as_str),
                filter.resource.as_deref(),
                filter.user.as_ref().map(UserId::as_str),
                after,
                limit
            )
            .fetch_all(&mut *connection)
            .await
        })
        .await?;
    let page = Page::of(rows, slice, |row| row.place.clone());
    let items = page.items.into_iter().map(Grant::try_from).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next: page.next })
}
