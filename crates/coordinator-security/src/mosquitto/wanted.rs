//! What should be there: which accounts, with which passwords and rights; in steps, so that each can be had alone.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use catalog::{Access, Capacity, Entry, Face, Needs, Owner, Party, READ_RESPONSES};
use engine_accounts::{
    SecretString,
    rights::{Account, Snapshot},
};
use store::{accounts::users::User, tokens::ApiKey};
use vocabulary::{
    Fault, Scopes, Timestamp,
    ids::{AccountName, PluginId},
};

use super::acl::{ClientRights, Shape, shape_of, shared_role, short_digest};

/// How many different rights are kept.
const SHAPES_MAX: usize = 1000;
/// In the name of the role of all who are to log in yet.
const LOBBY: &str = "lobby";
/// What is noted of the password of an API key's client. A key never changes.
const KEY_MARK: &str = "API key";

/// Which accounts somebody has the whole truth about. What is not wanted of them is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Realm {
    /// Coordinators, faces and nodes.
    Nodes,
    /// Users, and users who are to log in yet.
    Users,
    /// API keys.
    Keys,
    /// Plugins.
    Plugins,
}

impl Realm {
    /// Where an account of this name belongs; nowhere if it can't be one.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match Party::of(&name.parse().ok()?) {
            Party::Coordinator(_) | Party::Face(_) | Party::Node => Self::Nodes,
            Party::User(_) | Party::Lobby(_) => Self::Users,
            Party::Key(_) => Self::Keys,
            Party::Plugin(_) => Self::Plugins,
        })
    }
}

/// What should be there.
#[derive(Debug, Default)]
pub struct Wanted {
    pub(crate) clients: BTreeMap<AccountName, WantedClient>,
    realms: Vec<Realm>,
}

/// A client that should be there.
#[derive(Debug)]
pub struct WantedClient {
    /// Whether it may be used.
    pub enabled: bool,
    /// What it may.
    pub rights: ClientRights,
    /// Its password.
    pub password: WantedPassword,
}

/// The password of a client. It is noted of each what it is of, since it can't be read back. Without one, a client that is not there is
/// not made.
#[derive(Debug)]
pub enum WantedPassword {
    /// Whatever it is.
    Kept,
    /// That of this mark; a client with another is removed.
    Of {
        /// What is noted.
        mark: String,
    },
    /// This one, if it is not there yet.
    Known {
        /// What is noted.
        mark: String,
        /// The password.
        secret: SecretString,
    },
}

/// A password or key that became known.
#[derive(Debug, Clone)]
pub struct Known {
    /// The password or key.
    pub secret: SecretString,
    /// When it was seen to be right.
    pub at: Timestamp,
}

/// What a plugin may, from its manifest.
#[derive(Debug, Clone)]
pub struct PluginGrant {
    /// Which one.
    pub id: PluginId,
    /// The topics on which it publishes besides its own, without wildcards.
    pub publishes: Vec<String>,
    /// The filters that it reads besides its own.
    pub reads: Vec<String>,
    /// Its password, where it is known now.
    pub password: Option<SecretString>,
}

/// Users as the tables have them, with what became known of their passwords.
#[derive(Debug)]
pub struct Users<'a> {
    /// Every account.
    pub rows: &'a [User],
    /// Passwords, by the user's account.
    pub passwords: &'a HashMap<AccountName, Known>,
    /// One-time secrets with which a password can be chosen, likewise.
    pub one_time: &'a HashMap<AccountName, Known>,
    /// How old a password may be.
    pub password_age_max: Option<Duration>,
}

impl Wanted {
    /// The client of this name.
    pub fn client(&self, name: &str) -> Option<&WantedClient> {
        self.clients.get(&name.parse::<AccountName>().ok()?)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.clients.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.clients.is_empty()
    }

    pub(crate) fn covers(&self, realm: Option<Realm>) -> bool {
        realm.is_some_and(|realm| self.realms.contains(&realm))
    }

    fn add(&mut self, account: AccountName, enabled: bool, rights: ClientRights, password: WantedPassword) {
        self.clients.insert(account, WantedClient { enabled, rights, password });
    }

    /// Adds every account of ours. `password` gives the password of each; where it gives none, the client is brought up to date if it is
    /// there.
    ///
    /// # Errors
    /// What `password` complains about.
    pub fn nodes(
        &mut self,
        shapes: &mut Shapes,
        password: impl Fn(&AccountName) -> Result<Option<SecretString>, Fault>,
    ) -> Result<(), Fault> {
        let coordinators = Owner::ALL.map(|owner| (Party::Coordinator(owner), Capacity::Coordinator(owner)));
        let faces = Face::ALL.map(|face| (Party::Face(face), Capacity::Face));
        for (party, capacity) in coordinators.into_iter().chain(faces).chain([(Party::Node, Capacity::Node)]) {
            let account = account_of(&party)?;
            let shape = shapes.node(&account, &capacity);
            let mut rights = ClientRights::new(&account, shared_role(account.as_str()), shape);
            if party == Party::Coordinator(Owner::Security) {
                rights.add_commanding();
            }
            let password = match password(&account)? {
                Some(secret) => WantedPassword::Known { mark: mark_of_secret(&secret), secret },
                None => WantedPassword::Kept,
            };
            self.add(account, true, rights, password);
        }
        self.realms.push(Realm::Nodes);
        Ok(())
    }

    /// Adds every user, twice: under the name with the user's rights, and as one who is to log in yet. Where the password alone proves
    /// too little, the name has no more rights than that either.
    pub fn users(&mut self, shapes: &mut Shapes, rights: &Snapshot, users: &Users<'_>, now: Timestamp) {
        let mut members = HashMap::new();
        for user in users.rows {
            let Party::User(account) = Party::of(&user.username) else { continue };
            if !Party::is_free_for_users(&account) {
                continue;
            }
            let mark = mark_of_password(user);
            let known = users.passwords.get(&account).filter(|known| is_newer(known, user));
            let proves_too_little = user.must_change_password
                || user.has_second_factor
                || users.password_age_max.is_some_and(|limit| is_older(user, limit, now));
            let member = rights.account(&account).filter(|member| member.enabled && !proves_too_little);
            let (role, shape) = match member {
                Some(member) => {
                    let role = role_of_members(member, None);
                    let shape = members
                        .entry(role.clone())
                        .or_insert_with(|| shapes.client(&account, |needs| has(rights, &account, needs)));
                    (role, Arc::clone(shape))
                }
                None => (shared_role(LOBBY), shapes.lobby(&account)),
            };
            if let Ok(lobby) = Party::Lobby(account.clone()).account() {
                let one_time = users.one_time.get(&account).filter(|known| is_newer(known, user));
                let password = match one_time {
                    Some(known) => WantedPassword::Known {
                        mark: format!("{mark}; one-time secret of {}", known.at),
                        secret: known.secret.clone(),
                    },
                    None => wanted_password(&mark, known),
                };
                let rights = ClientRights::new(&lobby, shared_role(LOBBY), shapes.lobby(&lobby));
                self.add(lobby, user.enabled, rights, password);
            }
            let rights = ClientRights::new(&account, role, shape);
            self.add(account, user.enabled, rights, wanted_password(&mark, known));
        }
        self.realms.push(Realm::Users);
    }

    /// Adds every API key that is good, with what its scopes leave of its user's rights.
    pub fn keys(
        &mut self,
        shapes: &mut Shapes,
        rights: &Snapshot,
        keys: &[ApiKey],
        known: &HashMap<AccountName, Known>,
        now: Timestamp,
    ) {
        for key in keys.iter().filter(|key| is_good(key, now)) {
            let (Ok(account), Some(user)) = (account_of(&Party::Key(key.id.clone())), rights.account_of(&key.user_id))
            else {
                continue;
            };
            let scopes = key.scopes.as_ref().map(|scopes| Scopes::parse(scopes.iter().map(String::as_str)));
            // What can't be read must not leave everything in.
            let scopes = scopes.map(|scopes| scopes.unwrap_or_else(|_| Scopes::none()));
            let leaves_in = |needs: Needs| match (&scopes, needs) {
                (Some(scopes), Needs::Right(right)) => scopes.permit(right.resource, right.action),
                _ => true,
            };
            let shared = shapes.client(&account, |needs| leaves_in(needs) && has(rights, &user.username, needs));
            let role = role_of_members(user, Some(scopes.as_ref().map_or_else(String::new, Scopes::to_string)));
            let password = wanted_password(KEY_MARK, known.get(&account));
            self.add(account.clone(), user.enabled, ClientRights::new(&account, role, shared), password);
        }
        self.realms.push(Realm::Keys);
    }

    /// Adds every plugin.
    ///
    /// # Errors
    /// `invalid` where a plugin's id is too long to be an account's.
    pub fn plugins(&mut self, entries: &[Entry], grants: &[PluginGrant]) -> Result<(), Fault> {
        for PluginGrant { id, publishes, reads, password } in grants {
            let account = account_of(&Party::Plugin(id.clone()))?;
            let capacity = Capacity::Plugin { id: id.clone(), publishes: publishes.clone(), reads: reads.clone() };
            let shape = shape_of(&account, &Access::of(&account, &capacity, entries, |_| false));
            let rights = ClientRights::new(&account, shared_role(account.as_str()), shape);
            let password = match password.clone() {
                Some(secret) => WantedPassword::Known { mark: mark_of_secret(&secret), secret },
                None => WantedPassword::Kept,
            };
            self.add(account, true, rights, password);
        }
        self.realms.push(Realm::Plugins);
        Ok(())
    }
}

fn account_of(party: &Party) -> Result<AccountName, Fault> {
    party.account().map_err(|error| Fault::invalid(format!("account can't be named: {error}")))
}

/// The role of all who are members of the same roles and groups, and so may the same, whatever that is at the moment. Of keys, those with
/// the same scopes.
fn role_of_members(member: &Account, scopes: Option<String>) -> String {
    let (mut roles, mut groups) = (member.roles.clone(), member.groups.clone());
    roles.sort_unstable();
    groups.sort_unstable();
    let who = serde_json::json!([roles, groups, scopes]).to_string();
    shared_role(&short_digest(who.as_bytes()))
}

fn wanted_password(mark: &str, known: Option<&Known>) -> WantedPassword {
    let mark = mark.to_owned();
    match known {
        Some(known) => WantedPassword::Known { mark, secret: known.secret.clone() },
        None => WantedPassword::Of { mark },
    }
}

/// Of a long random password its digest tells nothing.
fn mark_of_secret(secret: &SecretString) -> String {
    use engine_accounts::ExposeSecret as _;
    format!("secret {}", short_digest(secret.expose_secret().as_bytes()))
}

/// Of a password that somebody chose, only when.
fn mark_of_password(user: &User) -> String {
    match user.password_changed_at.filter(|_| user.has_password) {
        Some(at) => format!("password of {at}"),
        None => "no password".to_owned(),
    }
}

/// Whether what became known is what the row is about. What was seen before the last change is of before, too.
fn is_newer(known: &Known, user: &User) -> bool {
    user.password_changed_at.is_none_or(|changed| known.at >= changed)
}

fn is_older(user: &User, limit: Duration, now: Timestamp) -> bool {
    !user.is_service && user.password_changed_at.is_some_and(|at| now.since(at) > limit)
}

pub(crate) fn is_good(key: &ApiKey, now: Timestamp) -> bool {
    key.revoked_at.is_none() && key.expires_at.is_none_or(|end| now < end)
}

/// Whether an account may do what a message needs, everywhere or somewhere: the owner asks again when it knows what it is about.
fn has(rights: &Snapshot, account: &AccountName, needs: Needs) -> bool {
    match needs {
        Needs::Nobody | Needs::Anybody => true,
        Needs::Right(right) => rights.check_somewhere(account, right.into()),
        Needs::Node | Needs::Addressee => false,
    }
}

/// Topic rights by what is allowed. Many may the same, and to work one out takes as long as hundreds of checks; so they are kept, for as
/// long as nobody has much too many different ones.
#[derive(Debug)]
pub struct Shapes {
    entries: Vec<Entry>,
    needs: Vec<Needs>,
    clients: HashMap<Vec<bool>, Shape>,
    nodes: HashMap<AccountName, Shape>,
    lobby: Option<Shape>,
}

impl Default for Shapes {
    fn default() -> Self {
        Self::new(catalog::all())
    }
}

impl Shapes {
    /// Over these messages.
    pub fn new(entries: Vec<Entry>) -> Self {
        let mut needs = Vec::new();
        for entry in &entries {
            if !needs.contains(&entry.needs) {
                needs.push(entry.needs);
            }
        }
        needs.push(READ_RESPONSES);
        Self { entries, needs, clients: HashMap::new(), nodes: HashMap::new(), lobby: None }
    }

    fn client(&mut self, account: &AccountName, holds: impl Fn(Needs) -> bool) -> Shape {
        let allowed: Vec<bool> = self.needs.iter().map(|needs| holds(*needs)).collect();
        if let Some(shape) = self.clients.get(&allowed) {
            return Arc::clone(shape);
        }
        let allows = |needs: Needs| self.needs.iter().zip(&allowed).any(|(known, allowed)| *known == needs && *allowed);
        let access = Access::of(account, &Capacity::Client, &self.entries, allows);
        let shape = shape_of(account, &access);
        if self.clients.len() >= SHAPES_MAX {
            self.clients.clear();
        }
        self.clients.insert(allowed, Arc::clone(&shape));
        shape
    }

    fn node(&mut self, account: &AccountName, capacity: &Capacity) -> Shape {
        if let Some(shape) = self.nodes.get(account) {
            return Arc::clone(shape);
        }
        let shape = shape_of(account, &Access::of(account, capacity, &self.entries, |_| false));
        self.nodes.insert(account.clone(), Arc::clone(&shape));
        shape
    }

    fn lobby(&mut self, account: &AccountName) -> Shape {
        let entries = &self.entries;
        let shape = self
            .lobby
            .get_or_insert_with(|| shape_of(account, &Access::of(account, &Capacity::Lobby, entries, |_| false)));
        Arc::clone(shape)
    }
}
