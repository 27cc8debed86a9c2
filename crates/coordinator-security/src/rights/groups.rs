//! Groups: accounts that share permissions.

use catalog::{
    Done,
    security::{
        AddMember, CreateGroup, DeleteGroup, GetGroup, Groups, ListGroups, OneGroup, RemoveMember, RightsChange,
        RightsChanged, UpdateGroup,
    },
};
use engine_accounts::GroupChange;
use store::accounts::{
    grants,
    groups::{Filter, Group},
    permissions::Rule,
};
use vocabulary::{
    Fault,
    ids::{GroupId, OrganisationId, UserId},
};

use crate::{
    Cx,
    announce::rights_change,
    faults::of_accounts,
    guards::{self, HolderName},
    shown,
};

/// Makes a group.
pub(crate) async fn create(cx: Cx, create: CreateGroup) -> Result<OneGroup, Fault> {
    let CreateGroup { name, description, organisation_id } = create;
    guards::organisation::<CreateGroup>(&cx, organisation_id.as_ref())?;
    let mut tx = cx.begin().await?;
    let group = cx.accounts.create_group(&mut tx, &name, &description, organisation_id.as_ref()).await;
    let group = group.map_err(of_accounts)?;
    cx.is_about(group.id.to_string());
    let reply = cx.commit(tx, OneGroup { group: shown::group(group) }).await?;
    places_changed(&cx).await;
    tell(&cx, RightsChange::GroupCreated, reply.group.id.clone(), None).await;
    Ok(reply)
}

/// Changes what a group is called, and whose it is.
pub(crate) async fn update(cx: Cx, update: UpdateGroup) -> Result<OneGroup, Fault> {
    let UpdateGroup { group_id, name, description, organisation_id, leave_organisation } = update;
    let organisation = other_organisation(organisation_id, leave_organisation)?;
    if let Some(organisation) = &organisation {
        guards::organisation::<UpdateGroup>(&cx, organisation.as_ref())?;
    }
    let change = GroupChange { name, description, organisation };
    let mut tx = cx.begin().await?;
    let group = cx.accounts.update_group(&mut tx, &group_id, &change).await.map_err(of_accounts)?;
    let reply = cx.commit(tx, OneGroup { group: shown::group(group) }).await?;
    cx.refresh().await;
    places_changed(&cx).await;
    tell(&cx, RightsChange::GroupUpdated, group_id, None).await;
    Ok(reply)
}

/// Deletes a group. Its members lose what it denied as well.
pub(crate) async fn delete(cx: Cx, delete: DeleteGroup) -> Result<Done, Fault> {
    let group = cx.accounts.group(&delete.group_id).await.map_err(of_accounts)?;
    guards::holder(&cx, &HolderName::Group(&group.name))?;
    guards::take(&cx, &rules(&cx, &group.id).await?).await?;
    cx.note("name", group.name.as_str());
    let mut tx = cx.begin().await?;
    cx.accounts.remove_group(&mut tx, &group.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    cx.refresh().await;
    tell(&cx, RightsChange::GroupDeleted, group.id, None).await;
    Ok(done)
}

/// One group.
pub(crate) async fn get(cx: Cx, get: GetGroup) -> Result<OneGroup, Fault> {
    Ok(OneGroup { group: shown::group(resolve(&cx, get.group_id.as_str()).await?) })
}

/// Those that fit.
pub(crate) async fn list(cx: Cx, list: ListGroups) -> Result<Groups, Fault> {
    guards::organisation::<ListGroups>(&cx, list.organisation_id.as_ref())?;
    let filter = Filter { member: list.user_id, organisation: list.organisation_id };
    let page = cx.accounts.groups(&filter, &shown::slice(list.limit, list.cursor)).await.map_err(of_accounts)?;
    Ok(Groups { groups: page.items.into_iter().map(shown::group).collect(), next: shown::next(page.next) })
}

/// Adds an account to a group.
pub(crate) async fn add(cx: Cx, add: AddMember) -> Result<Done, Fault> {
    let group = resolve(&cx, add.group_id.as_str()).await?;
    let user = cx.accounts.user(&add.user_id).await.map_err(of_accounts)?;
    guards::within::<AddMember>(&cx, &cx.scopes_of(group.id.as_str()))?;
    guards::user(&cx, &user)?;
    guards::give(&cx, &rules(&cx, &group.id).await?).await?;
    cx.note("group", group.name.as_str());
    let mut tx = cx.begin().await?;
    let joined = cx.accounts.join_group(&mut tx, &group.id, &user.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    if joined {
        cx.refresh().await;
        tell(&cx, RightsChange::MemberAdded, group.id, Some(user.id)).await;
    }
    Ok(done)
}

/// Takes an account out of a group.
pub(crate) async fn remove(cx: Cx, remove: RemoveMember) -> Result<Done, Fault> {
    let group = resolve(&cx, remove.group_id.as_str()).await?;
    let user = cx.accounts.user(&remove.user_id).await.map_err(of_accounts)?;
    guards::within::<RemoveMember>(&cx, &cx.scopes_of(group.id.as_str()))?;
    guards::user(&cx, &user)?;
    guards::take(&cx, &rules(&cx, &group.id).await?).await?;
    cx.note("group", group.name.as_str());
    let mut tx = cx.begin().await?;
    let left = cx.accounts.leave_group(&mut tx, &group.id, &user.id).await.map_err(of_accounts)?;
    let done = cx.commit(tx, Done {}).await?;
    if left {
        cx.refresh().await;
        tell(&cx, RightsChange::MemberRemoved, group.id, Some(user.id)).await;
    }
    Ok(done)
}

/// The group of this id or name.
pub(crate) async fn resolve(cx: &Cx, text: &str) -> Result<Group, Fault> {
    cx.accounts.group_named(text).await.map_err(of_accounts)
}

/// The organisation that something is to belong to from now on, from the two fields of a message: another, none, or as before.
pub(crate) fn other_organisation(
    joined: Option<OrganisationId>,
    leave: bool,
) -> Result<Option<Option<OrganisationId>>, Fault> {
    match (joined, leave) {
        (None, false) => Ok(None),
        (None, true) => Ok(Some(None)),
        (Some(organisation), false) => Ok(Some(Some(organisation))),
        (Some(_), true) => {
            Err(Fault::invalid("organisation_id is given together with leave_organisation").hint("give one of them"))
        }
    }
}

/// What a group hands on.
pub(crate) async fn rules(cx: &Cx, group: &GroupId) -> Result<Vec<Rule>, Fault> {
    guards::rules(cx, grants::Filter { group: Some(group.clone()), ..grants::Filter::default() }).await
}

async fn places_changed(cx: &Cx) {
    if let Err(fault) = cx.read_places().await {
        tracing::warn!(%fault, "groups were changed and can't be read again yet");
    }
}

async fn tell(cx: &Cx, change: RightsChange, group: GroupId, user_id: Option<UserId>) {
    cx.announce(&RightsChanged { group_id: Some(group), user_id, ..rights_change(cx, change) }).await;
}
