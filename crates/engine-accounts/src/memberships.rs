//! Groups, roles, organisations and permissions, and who has which.

use store::{
    Page, Slice, Tx,
    accounts::{
        ADMINISTRATOR,
        grants::{self, Grant},
        groups::{self, Group},
        organisations::{self, Organisation},
        permissions::{self, Effect, Holder, PermissionRow, Rule},
        roles::{self, Role},
        users,
    },
};
use vocabulary::ids::{GroupId, OrganisationId, PermissionId, RoleId, UserId};

use crate::{Accounts, AccountsError};

/// What is to be changed of a group; what is not named stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupChange {
    /// Another name.
    pub name: Option<String>,
    /// Another description.
    pub description: Option<String>,
    /// Another organisation, or none.
    pub organisation: Option<Option<OrganisationId>>,
}

/// Groups.
impl Accounts {
    /// Makes a group.
    ///
    /// # Errors
    /// Its name is taken or none, its organisation does not exist, or the database does not answer within the bounds.
    pub async fn create_group(
        &self,
        tx: &mut Tx,
        name: &str,
        description: &str,
        organisation: Option<&OrganisationId>,
    ) -> Result<Group, AccountsError> {
        let now = self.now();
        let group = Group {
            id: GroupId::fresh(),
            name: name.to_owned(),
            description: description.to_owned(),
            organisation: organisation.cloned(),
            builtin: false,
            created_at: now,
            updated_at: now,
        };
        groups::put(tx, &group).await?;
        Ok(group)
    }

    /// Changes a group; what is not named stays as it is.
    ///
    /// # Errors
    /// It does not exist, its name is taken, none, or may not be changed, its organisation does not exist, or the database does not
    /// answer within the bounds.
    pub async fn update_group(&self, tx: &mut Tx, id: &GroupId, change: &GroupChange) -> Result<Group, AccountsError> {
        let mut group = groups::lock(tx, id).await?;
        if group.builtin && change.name.as_ref().is_some_and(|name| *name != group.name) {
            return Err(AccountsError::Builtin { what: format!("group {}", group.name) });
        }
        if let Some(name) = &change.name {
            group.name.clone_from(name);
        }
        if let Some(description) = &change.description {
            group.description.clone_from(description);
        }
        if let Some(organisation) = &change.organisation {
            group.organisation.clone_from(organisation);
        }
        group.updated_at = self.now();
        groups::put(tx, &group).await?;
        Ok(group)
    }

    /// Removes a group; its members stay, without what it gave them.
    ///
    /// # Errors
    /// It does not exist, came with the program, or the database does not answer within the bounds.
    pub async fn remove_group(&self, tx: &mut Tx, id: &GroupId) -> Result<(), AccountsError> {
        let group = groups::lock(tx, id).await?;
        if group.builtin {
            return Err(AccountsError::Builtin { what: format!("group {}", group.name) });
        }
        Ok(groups::remove(tx, id).await?)
    }

    /// One group.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn group(&self, id: &GroupId) -> Result<Group, AccountsError> {
        Ok(groups::get(self.store(), id).await?)
    }

    /// The group with this id or, where there is none, of this name.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn group_named(&self, text: &str) -> Result<Group, AccountsError> {
        Ok(groups::find(self.store(), text).await?)
    }

    /// The groups that fit, by id.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn groups(&self, filter: &groups::Filter, slice: &Slice) -> Result<Page<Group>, AccountsError> {
        Ok(groups::list(self.store(), filter, slice).await?)
    }

    /// Puts an account into a group. Tells whether it was not in it before.
    ///
    /// # Errors
    /// One of the two does not exist, what the group denies would leave no administrator, or the database does not answer within the
    /// bounds.
    pub async fn join_group(&self, tx: &mut Tx, id: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        let before = users::count_administrators(tx).await?;
        let joined = groups::join(tx, id, user, self.now()).await?;
        self.somebody_is_left(tx, before).await?;
        Ok(joined)
    }

    /// Takes an account out of a group. Tells whether it was in it.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn leave_group(&self, tx: &mut Tx, id: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        Ok(groups::leave(tx, id, user).await?)
    }
}

/// Roles.
impl Accounts {
    /// Makes a role.
    ///
    /// # Errors
    /// Its name is taken or none, or the database does not answer within the bounds.
    pub async fn create_role(&self, tx: &mut Tx, name: &str, description: &str) -> Result<Role, AccountsError> {
        let now = self.now();
        let role = Role {
            id: RoleId::fresh(),
            name: name.to_owned(),
            description: description.to_owned(),
            builtin: false,
            created_at: now,
            updated_at: now,
        };
        roles::put(tx, &role).await?;
        Ok(role)
    }

    /// Changes a role; what is not named stays as it is, and so does the name of one that came with the program.
    ///
    /// # Errors
    /// It does not exist, its name is taken, none, or may not be changed, or the database does not answer within the bounds.
    pub async fn update_role(
        &self,
        tx: &mut Tx,
        id: &RoleId,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<Role, AccountsError> {
        let mut role = roles::lock(tx, id).await?;
        if role.builtin && name.is_some_and(|name| name != role.name) {
            return Err(AccountsError::Builtin { what: format!("role {}", role.name) });
        }
        name.unwrap_or(&role.name.clone()).clone_into(&mut role.name);
        description.unwrap_or(&role.description.clone()).clone_into(&mut role.description);
        role.updated_at = self.now();
        roles::put(tx, &role).await?;
        Ok(role)
    }

    /// Removes a role; the tokens of those who had it are void.
    ///
    /// # Errors
    /// It does not exist, came with the program, or the database does not answer within the bounds.
    pub async fn remove_role(&self, tx: &mut Tx, id: &RoleId) -> Result<(), AccountsError> {
        let role = roles::lock(tx, id).await?;
        if role.builtin {
            return Err(AccountsError::Builtin { what: format!("role {}", role.name) });
        }
        Ok(roles::remove(tx, id).await?)
    }

    /// One role.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn role(&self, id: &RoleId) -> Result<Role, AccountsError> {
        Ok(roles::get(self.store(), id).await?)
    }

    /// The role with this id or, where there is none, of this name.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn role_named(&self, text: &str) -> Result<Role, AccountsError> {
        Ok(roles::find(self.store(), text).await?)
    }

    /// The roles, all or those of one account, by id.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn roles(&self, holder: Option<&UserId>, slice: &Slice) -> Result<Page<Role>, AccountsError> {
        Ok(roles::list(self.store(), holder, slice).await?)
    }

    /// Gives a role to an account. Tells whether it did not have it before.
    ///
    /// # Errors
    /// One of the two does not exist, what the role denies would leave no administrator, or the database does not answer within the
    /// bounds.
    pub async fn assign_role(&self, tx: &mut Tx, id: &RoleId, user: &UserId) -> Result<bool, AccountsError> {
        let before = users::count_administrators(tx).await?;
        let assigned = roles::assign(tx, id, user, self.now()).await?;
        self.somebody_is_left(tx, before).await?;
        Ok(assigned)
    }

    /// Takes a role from an account; its tokens are void if it had it. Tells whether it had it.
    ///
    /// # Errors
    /// It is the last administrator, or the database does not answer within the bounds.
    pub async fn withdraw_role(&self, tx: &mut Tx, id: &RoleId, user: &UserId) -> Result<bool, AccountsError> {
        let before = users::count_administrators(tx).await?;
        let withdrawn = roles::withdraw(tx, id, user).await?;
        self.somebody_is_left(tx, before).await?;
        Ok(withdrawn)
    }
}

/// Organisations.
impl Accounts {
    /// Makes an organisation.
    ///
    /// # Errors
    /// Its name is taken or none, or the database does not answer within the bounds.
    pub async fn create_organisation(
        &self,
        tx: &mut Tx,
        name: &str,
        description: &str,
    ) -> Result<Organisation, AccountsError> {
        let now = self.now();
        let organisation = Organisation {
            id: OrganisationId::fresh(),
            name: name.to_owned(),
            description: description.to_owned(),
            created_at: now,
            updated_at: now,
        };
        organisations::put(tx, &organisation).await?;
        Ok(organisation)
    }

    /// Changes an organisation; what is not named stays as it is.
    ///
    /// # Errors
    /// It does not exist, its name is taken or none, or the database does not answer within the bounds.
    pub async fn update_organisation(
        &self,
        tx: &mut Tx,
        id: &OrganisationId,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<Organisation, AccountsError> {
        let mut organisation = organisations::lock(tx, id).await?;
        name.unwrap_or(&organisation.name.clone()).clone_into(&mut organisation.name);
        description.unwrap_or(&organisation.description.clone()).clone_into(&mut organisation.description);
        organisation.updated_at = self.now();
        organisations::put(tx, &organisation).await?;
        Ok(organisation)
    }

    /// Removes an organisation that has no members and no groups.
    ///
    /// # Errors
    /// It does not exist, is not empty, or the database does not answer within the bounds.
    pub async fn remove_organisation(&self, tx: &mut Tx, id: &OrganisationId) -> Result<(), AccountsError> {
        Ok(organisations::remove(tx, id).await?)
    }

    /// One organisation.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn organisation(&self, id: &OrganisationId) -> Result<Organisation, AccountsError> {
        Ok(organisations::get(self.store(), id).await?)
    }

    /// The organisations, by id.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn organisations(&self, slice: &Slice) -> Result<Page<Organisation>, AccountsError> {
        Ok(organisations::list(self.store(), slice).await?)
    }
}

/// Permissions.
impl Accounts {
    /// The permission that says this, made where there is none.
    ///
    /// # Errors
    /// A word or the scope is none, or the database does not answer within the bounds.
    pub async fn ensure_permission(&self, tx: &mut Tx, rule: &Rule) -> Result<PermissionRow, AccountsError> {
        Ok(permissions::ensure(tx, rule, &PermissionId::fresh(), self.now()).await?)
    }

    /// One permission.
    ///
    /// # Errors
    /// It does not exist, or the database does not answer within the bounds.
    pub async fn permission(&self, id: &PermissionId) -> Result<PermissionRow, AccountsError> {
        Ok(permissions::get(self.store(), id).await?)
    }

    /// The permissions, all or those of one role or group, by id.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn permissions(
        &self,
        holder: Option<&Holder>,
        slice: &Slice,
    ) -> Result<Page<PermissionRow>, AccountsError> {
        Ok(permissions::list(self.store(), holder, slice).await?)
    }

    /// Which permissions were granted to whom, by resource, action, and who has them.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer within the bounds.
    pub async fn grants(&self, filter: &grants::Filter, slice: &Slice) -> Result<Page<Grant>, AccountsError> {
        Ok(grants::list(self.store(), filter, slice).await?)
    }

    /// Every rule of those that fit.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn rules(&self, filter: &grants::Filter) -> Result<Vec<Rule>, AccountsError> {
        let (mut rules, mut slice) = (Vec::new(), Slice::first(store::page::LIMIT_MAX));
        loop {
            let page = self.grants(filter, &slice).await?;
            rules.extend(page.items.into_iter().map(|grant| grant.rule));
            if page.next.is_none() {
                return Ok(rules);
            }
            slice.cursor = page.next;
        }
    }

    /// Removes a permission from everybody who has it.
    ///
    /// # Errors
    /// It does not exist, is the administrator's, or the database does not answer within the bounds.
    pub async fn remove_permission(&self, tx: &mut Tx, id: &PermissionId) -> Result<(), AccountsError> {
        if permissions::is_of_role(tx, id, ADMINISTRATOR).await? {
            return Err(AccountsError::Builtin { what: format!("permission {id} of the role {ADMINISTRATOR}") });
        }
        Ok(permissions::remove(tx, id).await?)
    }

    /// Gives a permission to a role or a group. Tells whether it did not have it before.
    ///
    /// # Errors
    /// One of the two does not exist, it is the administrator's role, what is denied would leave no administrator, or the database does
    /// not answer within the bounds.
    pub async fn grant(&self, tx: &mut Tx, holder: &Holder, rule: &Rule) -> Result<bool, AccountsError> {
        is_changeable(holder)?;
        let before = if rule.effect == Effect::Deny { users::count_administrators(tx).await? } else { 0 };
        let permission = self.ensure_permission(tx, rule).await?;
        let granted = permissions::grant(tx, holder, &permission.id, self.now()).await?;
        self.somebody_is_left(tx, before).await?;
        Ok(granted)
    }

    /// Takes a permission from a role or a group. Tells whether it had it.
    ///
    /// # Errors
    /// It is the administrator's role, or the database does not answer within the bounds.
    pub async fn withdraw(&self, tx: &mut Tx, holder: &Holder, rule: &Rule) -> Result<bool, AccountsError> {
        is_changeable(holder)?;
        match permissions::find(tx, rule).await? {
            Some(permission) => Ok(permissions::withdraw(tx, holder, &permission.id).await?),
            None => Ok(false),
        }
    }
}

/// What the administrator's role may do stays: everything.
fn is_changeable(holder: &Holder) -> Result<(), AccountsError> {
    match holder {
        Holder::Role(role) if role.as_str() == ADMINISTRATOR => {
            Err(AccountsError::Builtin { what: format!("what the role {ADMINISTRATOR} may do") })
        }
        Holder::Role(_) | Holder::Group(_) => Ok(()),
    }
}
