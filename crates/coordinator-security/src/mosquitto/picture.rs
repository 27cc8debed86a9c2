//! What the plugin has: its clients, roles and defaults, as far as they matter here.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use vocabulary::Fault;

use super::{
    acl::{Acl, own_role},
    command::{Command, RoleName},
};

/// What is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    /// Every client, by its name.
    pub clients: BTreeMap<String, PresentClient>,
    /// Every role, by its name.
    pub roles: BTreeMap<String, BTreeSet<Acl>>,
    /// What is allowed where no role says anything.
    pub defaults: BTreeMap<String, bool>,
}

/// A client that is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresentClient {
    /// What its password is of, where it is ours.
    pub mark: String,
    /// Whether it is locked out.
    pub disabled: bool,
    /// Its roles.
    pub roles: BTreeSet<String>,
}

#[derive(Deserialize)]
struct ClientRow {
    username: String,
    #[serde(default)]
    textdescription: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    roles: Vec<RoleNameRow>,
}

#[derive(Deserialize)]
struct RoleNameRow {
    rolename: String,
}

#[derive(Deserialize)]
struct RoleRow {
    rolename: String,
    #[serde(default)]
    acls: BTreeSet<Acl>,
}

#[derive(Deserialize)]
struct DefaultRow {
    acltype: String,
    allow: bool,
}

impl Picture {
    /// Whether a client was made by us: it has the role that only such have.
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        self.clients.get(name).is_some_and(|client| client.roles.contains(&own_role(name)))
    }

    /// Takes a page of clients: how many it had.
    pub(crate) fn add_clients(&mut self, data: &Value) -> Result<usize, Fault> {
        let rows: Vec<ClientRow> = rows(data, "clients")?;
        let count = rows.len();
        self.clients.extend(rows.into_iter().map(|row| {
            let roles = row.roles.into_iter().map(|role| role.rolename).collect();
            (row.username, PresentClient { mark: row.textdescription, disabled: row.disabled, roles })
        }));
        Ok(count)
    }

    /// Takes a page of roles: how many it had.
    pub(crate) fn add_roles(&mut self, data: &Value) -> Result<usize, Fault> {
        let rows: Vec<RoleRow> = rows(data, "roles")?;
        let count = rows.len();
        self.roles.extend(rows.into_iter().map(|row| (row.rolename, row.acls)));
        Ok(count)
    }

    pub(crate) fn add_defaults(&mut self, data: &Value) -> Result<(), Fault> {
        let rows: Vec<DefaultRow> = rows(data, "acls")?;
        self.defaults.extend(rows.into_iter().map(|row| (row.acltype, row.allow)));
        Ok(())
    }

    /// What is there once a command was obeyed.
    pub(crate) fn obey(&mut self, command: &Command) {
        let names = |roles: &[RoleName]| roles.iter().map(|role| role.rolename.clone()).collect();
        match command {
            Command::SetDefaultACLAccess { acls } => {
                self.defaults.extend(acls.iter().map(|acl| (acl.kind.to_owned(), acl.allow)));
            }
            Command::CreateRole { rolename, acls } | Command::ModifyRole { rolename, acls } => {
                self.roles.insert(rolename.clone(), acls.iter().cloned().collect());
            }
            Command::DeleteRole { rolename } => {
                self.roles.remove(rolename);
            }
            Command::CreateClient { username, textdescription, roles, .. } => {
                let client =
                    PresentClient { mark: textdescription.clone(), disabled: false, roles: names(roles.as_slice()) };
                self.clients.insert(username.clone(), client);
            }
            Command::ModifyClient { username, textdescription, roles, .. } => {
                if let Some(client) = self.clients.get_mut(username) {
                    client.mark = textdescription.clone().unwrap_or_else(|| client.mark.clone());
                    client.roles = names(roles.as_slice());
                }
            }
            Command::EnableClient { username } | Command::DisableClient { username } => {
                if let Some(client) = self.clients.get_mut(username) {
                    client.disabled = matches!(command, Command::DisableClient { .. });
                }
            }
            Command::DeleteClient { username } => {
                self.clients.remove(username);
            }
            Command::GetDefaultACLAccess | Command::ListClients { .. } | Command::ListRoles { .. } => {}
        }
    }
}

fn rows<T: serde::de::DeserializeOwned>(data: &Value, list: &str) -> Result<T, Fault> {
    T::deserialize(data.get(list).unwrap_or(&Value::Null)).map_err(|error| {
        Fault::internal(format!("list of {list} from mosquitto's dynamic-security plugin can't be read: {error}"))
            .hint("see docs/guides/mosquitto.md for the versions that are known to work")
    })
}
