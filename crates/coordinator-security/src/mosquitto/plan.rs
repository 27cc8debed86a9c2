//! What is to be done so that what is there becomes what should be there. Pure: nothing is asked and nothing is done.

use std::collections::HashSet;

use catalog::Secret;
use engine_accounts::ExposeSecret as _;
use vocabulary::ids::AccountName;

use super::{
    ClientRights, Picture, Realm, Wanted, WantedClient, WantedPassword,
    acl::{SHARED_ROLE, account_of_role, own_role},
    command::{Command, DefaultAccess, RoleName},
    picture::PresentClient,
};

/// What an administrator reads beside each client of ours.
const TEXT_NAME: &str = "BIG SKIES";

/// What is allowed where no role says anything. To leave a subscription harms nobody.
const DEFAULTS: [(&str, bool); 4] =
    [("publishClientSend", false), ("publishClientReceive", false), ("subscribe", false), ("unsubscribe", true)];

/// Commands, in the order in which they are to be given: who must go goes first, and what is needed is there before it is used.
#[derive(Debug, Default)]
pub struct Plan {
    pub(crate) commands: Vec<Command>,
    /// Names that should be ours and that others gave a client of their own.
    pub strangers: Vec<String>,
    after: Picture,
    /// Roles that are as they should be: many clients share one.
    provided: HashSet<String>,
}

/// What is to be done.
pub fn plan(is: &Picture, wanted: &Wanted) -> Plan {
    let mut plan = Plan { after: is.clone(), ..Plan::default() };
    plan.close_defaults();
    plan.take_away(wanted);
    for (name, client) in &wanted.clients {
        plan.bring_about(name, client);
    }
    plan.tidy(wanted);
    plan
}

impl Plan {
    /// How many commands it takes.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether all is as it should be.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    fn push(&mut self, command: Command) {
        self.after.obey(&command);
        self.commands.push(command);
    }

    fn close_defaults(&mut self) {
        if DEFAULTS.iter().any(|(kind, allow)| self.after.defaults.get(*kind) != Some(allow)) {
            let acls = DEFAULTS.into_iter().map(|(kind, allow)| DefaultAccess { kind, allow }).collect();
            self.push(Command::SetDefaultACLAccess { acls });
        }
    }

    /// Who is not wanted any more, or has a password that is not good any more, or is locked out.
    fn take_away(&mut self, wanted: &Wanted) {
        let ours = self.after.clients.iter().filter(|(name, _)| self.after.is_ours(name));
        let commands: Vec<Command> = ours.filter_map(|(name, present)| taken_away(name, present, wanted)).collect();
        for command in commands {
            self.push(command);
        }
    }

    fn bring_about(&mut self, name: &AccountName, client: &WantedClient) {
        let present = self.after.clients.get(name.as_str()).cloned();
        match (present, &client.password) {
            (Some(_), _) if !self.after.is_ours(name.as_str()) => self.strangers.push(name.to_string()),
            // Its rights are those that it comes back with, if it does.
            _ if !client.enabled => {}
            (Some(present), _) => self.change(name, client, &present),
            (None, WantedPassword::Known { mark, secret }) => {
                let roles = self.provide_roles(name, client);
                self.push(Command::CreateClient {
                    username: name.to_string(),
                    password: Secret::new(secret.expose_secret()),
                    textname: TEXT_NAME,
                    textdescription: mark.clone(),
                    roles,
                });
            }
            (None, WantedPassword::Kept | WantedPassword::Of { .. }) => {}
        }
    }

    fn change(&mut self, name: &AccountName, client: &WantedClient, present: &PresentClient) {
        let roles = self.provide_roles(name, client);
        let password = match &client.password {
            WantedPassword::Known { mark, secret } if !is_of(mark, &present.mark) => {
                Some((Secret::new(secret.expose_secret()), mark.clone()))
            }
            _ => None,
        };
        let has_its_roles =
            roles.len() == present.roles.len() && roles.iter().all(|role| present.roles.contains(&role.rolename));
        if password.is_some() || !has_its_roles {
            let (password, textdescription) = password.unzip();
            self.push(Command::ModifyClient { username: name.to_string(), password, textdescription, roles });
        }
        if present.disabled {
            self.push(Command::EnableClient { username: name.to_string() });
        }
    }

    /// Sees that a client's roles are there with the right lines.
    fn provide_roles(&mut self, name: &AccountName, client: &WantedClient) -> Vec<RoleName> {
        let ClientRights { own, role, shared } = &client.rights;
        let mut roles = Vec::new();
        for (rolename, acls) in [(own_role(name.as_str()), own), (role.clone(), &**shared)] {
            roles.push(RoleName { rolename: rolename.clone() });
            if !self.provided.insert(rolename.clone()) {
                continue;
            }
            match self.after.roles.get(&rolename) {
                Some(present) if present.len() == acls.len() && acls.iter().all(|acl| present.contains(acl)) => {}
                Some(_) => self.push(Command::ModifyRole { rolename, acls: acls.clone() }),
                None => self.push(Command::CreateRole { rolename, acls: acls.clone() }),
            }
        }
        roles
    }

    /// Removes roles that nobody needs any more. One that a client has must stay: removed, it would leave the client with freed memory.
    fn tidy(&mut self, wanted: &Wanted) {
        let is_tidied = |role: &str| {
            role.starts_with(SHARED_ROLE) || account_of_role(role).is_some_and(|name| wanted.covers(Realm::of(name)))
        };
        let used: HashSet<&String> = self.after.clients.values().flat_map(|client| &client.roles).collect();
        let needless = self.after.roles.keys().filter(|role| is_tidied(role) && !used.contains(role));
        for rolename in needless.cloned().collect::<Vec<_>>() {
            self.push(Command::DeleteRole { rolename });
        }
    }
}

fn taken_away(name: &str, present: &PresentClient, wanted: &Wanted) -> Option<Command> {
    let username = name.to_owned();
    let Some(client) = wanted.client(name) else {
        return wanted.covers(Realm::of(name)).then_some(Command::DeleteClient { username });
    };
    match &client.password {
        WantedPassword::Of { mark } if !is_of(mark, &present.mark) => Some(Command::DeleteClient { username }),
        _ if !client.enabled && !present.disabled => Some(Command::DisableClient { username }),
        _ => None,
    }
}

/// Whether what is noted of a password is what is wanted: the same, or something more about the same.
fn is_of(wanted: &str, noted: &str) -> bool {
    noted.strip_prefix(wanted).is_some_and(|more| more.is_empty() || more.starts_with(';'))
}

#[cfg(test)]
mod tests;
