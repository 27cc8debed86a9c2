//! The commands of the plugin that are used here.

use catalog::Secret;
use serde::Serialize;

use super::acl::Acl;

/// A command, as it travels.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "command", rename_all = "camelCase")]
pub(crate) enum Command {
    SetDefaultACLAccess {
        acls: Vec<DefaultAccess>,
    },
    CreateRole {
        rolename: String,
        acls: Vec<Acl>,
    },
    ModifyRole {
        rolename: String,
        acls: Vec<Acl>,
    },
    DeleteRole {
        rolename: String,
    },
    CreateClient {
        username: String,
        password: Secret,
        textname: &'static str,
        textdescription: String,
        roles: Vec<RoleName>,
    },
    ModifyClient {
        username: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        password: Option<Secret>,
        #[serde(skip_serializing_if = "Option::is_none")]
        textdescription: Option<String>,
        roles: Vec<RoleName>,
    },
    EnableClient {
        username: String,
    },
    DisableClient {
        username: String,
    },
    DeleteClient {
        username: String,
    },
    GetDefaultACLAccess,
    ListClients {
        verbose: bool,
        count: usize,
        offset: usize,
    },
    ListRoles {
        verbose: bool,
        count: usize,
        offset: usize,
    },
}

/// What is allowed where no role says anything.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DefaultAccess {
    #[serde(rename = "acltype")]
    pub(crate) kind: &'static str,
    pub(crate) allow: bool,
}

/// A role that a client is given.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RoleName {
    pub(crate) rolename: String,
}

impl Command {
    /// What it is about, for a person.
    pub(crate) fn object(&self) -> &str {
        match self {
            Self::CreateRole { rolename, .. } | Self::ModifyRole { rolename, .. } | Self::DeleteRole { rolename } => {
                rolename
            }
            Self::CreateClient { username, .. }
            | Self::ModifyClient { username, .. }
            | Self::EnableClient { username }
            | Self::DisableClient { username }
            | Self::DeleteClient { username } => username,
            Self::SetDefaultACLAccess { .. } | Self::GetDefaultACLAccess => "default access",
            Self::ListClients { .. } => "clients",
            Self::ListRoles { .. } => "roles",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn words_are_the_plugins() {
        let roles = vec![RoleName { rolename: "r".to_owned() }];
        for (command, wanted) in [
            (
                Command::SetDefaultACLAccess { acls: vec![DefaultAccess { kind: "subscribe", allow: false }] },
                json!({"command": "setDefaultACLAccess", "acls": [{"acltype": "subscribe", "allow": false}]}),
            ),
            (
                Command::ModifyClient {
                    username: "ann".to_owned(),
                    password: None,
                    textdescription: None,
                    roles: roles.clone(),
                },
                json!({"command": "modifyClient", "username": "ann", "roles": [{"rolename": "r"}]}),
            ),
            (
                Command::CreateClient {
                    username: "ann".to_owned(),
                    password: Secret::new("pw"),
                    textname: "n",
                    textdescription: "d".to_owned(),
                    roles,
                },
                json!({"command": "createClient", "username": "ann", "password": "pw", "textname": "n",
                    "textdescription": "d", "roles": [{"rolename": "r"}]}),
            ),
            (
                Command::ListRoles { verbose: true, count: 8, offset: 16 },
                json!({"command": "listRoles", "verbose": true, "count": 8, "offset": 16}),
            ),
            (Command::GetDefaultACLAccess, json!({"command": "getDefaultACLAccess"})),
        ] {
            assert!(!format!("{command:?}").contains("pw"), "a password is shown");
            assert_eq!(to_value(&command).unwrap(), wanted);
        }
    }
}
