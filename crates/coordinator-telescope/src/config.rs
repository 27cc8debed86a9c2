//! Telescope configurations: made, changed, deleted, shown.

use catalog::{
    Done,
    telescope::{
        Config, ConfigCreated, Configs, CreateConfig, DeleteConfig, GetConfig, ListConfigs, OneConfig, UpdateConfig,
    },
};
use coordinator::Cx;
use store::{
    Store,
    page::{Cursor, Slice},
    telescopes::{
        configurations::{self, Configuration, Filter},
        roles,
    },
};
use vocabulary::{
    Fault,
    ids::{AccountName, TelescopeId},
};

use crate::{Telescope, rows};

pub(crate) async fn create(cx: Cx<Telescope>, create: CreateConfig) -> Result<ConfigCreated, Fault> {
    let now = cx.now();
    let owner = match create.owner_id {
        Some(owner) => account(&owner)?,
        None => cx.caller().account.clone(),
    };
    let id = TelescopeId::fresh();
    let row = Configuration {
        id: id.clone(),
        name: name(create.name)?,
        description: create.description,
        owner,
        owner_type: rows::owner_row(create.owner_type)?,
        site: create.site_id,
        mount_type: rows::mount_row(create.mount_type)?,
        enabled: true,
        created_at: now,
        updated_at: now,
    };
    let mut tx = cx.begin().await?;
    configurations::create(&mut tx, &row).await?;
    for (role, device) in &create.devices {
        roles::assign(&mut tx, &id, rows::role_row(*role)?, device, now).await?;
    }
    let reply = cx.commit(tx, ConfigCreated { id: id.clone() }).await?;
    cx.roster.keep_telescope(id.clone(), true);
    for (role, device) in create.devices {
        cx.roster.assign(&id, role, Some(device));
    }
    Ok(reply)
}

pub(crate) async fn update(cx: Cx<Telescope>, update: UpdateConfig) -> Result<OneConfig, Fault> {
    let mut row = configurations::get(cx.store(), &update.id).await?;
    if let Some(new) = update.name {
        row.name = name(new)?;
    }
    if let Some(description) = update.description {
        row.description = description;
    }
    if let Some(site) = update.site_id {
        row.site = Some(site);
    }
    if let Some(mount_type) = update.mount_type {
        row.mount_type = rows::mount_row(mount_type)?;
    }
    if let Some(enabled) = update.enabled {
        row.enabled = enabled;
    }
    row.updated_at = cx.now();
    let config = rows::config(row.clone(), roles::of_telescope(cx.store(), &update.id).await?)?;
    let mut tx = cx.begin().await?;
    configurations::update(&mut tx, &row).await?;
    let reply = cx.commit(tx, OneConfig { config }).await?;
    cx.roster.keep_telescope(update.id, row.enabled);
    Ok(reply)
}

pub(crate) async fn delete(cx: Cx<Telescope>, delete: DeleteConfig) -> Result<Done, Fault> {
    let mut tx = cx.begin().await?;
    configurations::remove(&mut tx, &delete.id).await?;
    let reply = cx.commit(tx, Done {}).await?;
    cx.roster.forget_telescope(&delete.id);
    Ok(reply)
}

pub(crate) async fn get(cx: Cx<Telescope>, get: GetConfig) -> Result<OneConfig, Fault> {
    let row = configurations::get(cx.store(), &get.id).await?;
    Ok(OneConfig { config: with_devices(cx.store(), row).await? })
}

pub(crate) async fn list(cx: Cx<Telescope>, list: ListConfigs) -> Result<Configs, Fault> {
    let owner = match list.user_id {
        Some(user) => Some(account(&user)?),
        None => (!cx.caller().administrator).then(|| cx.caller().account.clone()),
    };
    let filter = Filter { owner, name: list.name, site: None };
    let slice = Slice { limit: list.limit, cursor: list.cursor.map(Cursor) };
    let page = configurations::list(cx.store(), &filter, &slice).await?;
    let mut configs = Vec::with_capacity(page.items.len());
    for row in page.items {
        configs.push(with_devices(cx.store(), row).await?);
    }
    Ok(Configs { configs, next: page.next.map(|cursor| cursor.0) })
}

async fn with_devices(store: &Store, row: Configuration) -> Result<Config, Fault> {
    let assignments = roles::of_telescope(store, &row.id).await?;
    rows::config(row, assignments)
}

fn name(name: String) -> Result<String, Fault> {
    let length = name.chars().count();
    if name.trim().is_empty() || length > 255 || name.chars().any(char::is_control) {
        return Err(Fault::invalid(format!("name of {length} characters can't be kept"))
            .hint("use 1 to 255 printable characters"));
    }
    Ok(name)
}

fn account(name: &str) -> Result<AccountName, Fault> {
    name.parse().map_err(|e: vocabulary::ids::NotAnId| Fault::invalid(format!("account {e}")))
}
