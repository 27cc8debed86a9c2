//! Organisations: whose accounts and groups are whose.

use catalog::{
    Done,
    security::{
        CreateOrganisation, DeleteOrganisation, ListOrganisations, OneOrganisation, Organisations, UpdateOrganisation,
    },
};
use vocabulary::Fault;

use crate::{Cx, faults::of_accounts, shown};

/// Makes an organisation.
pub(crate) async fn create(cx: Cx, create: CreateOrganisation) -> Result<OneOrganisation, Fault> {
    let mut tx = cx.begin().await?;
    let made = cx.accounts.create_organisation(&mut tx, &create.name, &create.description).await;
    let made = made.map_err(of_accounts)?;
    cx.is_about(made.id.to_string());
    cx.commit(tx, OneOrganisation { organisation: shown::organisation(made) }).await
}

/// Changes what an organisation is called.
pub(crate) async fn update(cx: Cx, update: UpdateOrganisation) -> Result<OneOrganisation, Fault> {
    let UpdateOrganisation { organisation_id, name, description } = update;
    let mut tx = cx.begin().await?;
    let changed = cx.accounts.update_organisation(&mut tx, &organisation_id, name.as_deref(), description.as_deref());
    let changed = changed.await.map_err(of_accounts)?;
    cx.commit(tx, OneOrganisation { organisation: shown::organisation(changed) }).await
}

/// All of them.
pub(crate) async fn list(cx: Cx, list: ListOrganisations) -> Result<Organisations, Fault> {
    let page = cx.accounts.organisations(&shown::slice(list.limit, list.cursor)).await.map_err(of_accounts)?;
    let organisations = page.items.into_iter().map(shown::organisation).collect();
    Ok(Organisations { organisations, next: shown::next(page.next) })
}

/// Deletes an organisation that nobody belongs to any more.
pub(crate) async fn delete(cx: Cx, delete: DeleteOrganisation) -> Result<Done, Fault> {
    let mut tx = cx.begin().await?;
    cx.accounts.remove_organisation(&mut tx, &delete.organisation_id).await.map_err(of_accounts)?;
    cx.commit(tx, Done {}).await
}
