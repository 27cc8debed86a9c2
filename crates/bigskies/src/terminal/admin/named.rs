//! What a person means by a name: accounts, roles, groups, organisations and keys, each by its id or by what it is called.

use catalog::{
    Paging,
    security::{
        ApiKey, GetUser, Group, ListGroups, ListKeys, ListOrganisations, ListRoles, ListSessions, ListUsers, OneUser,
        OpenSession, Organisation, Role, User,
    },
};
use vocabulary::{Code, Fault, ids::UserId};

use crate::terminal::{client::Client, nearest::nearest, pages};

/// The account of this name or id.
///
/// # Errors
/// `not-found` where there is none.
pub(crate) async fn user(client: &Client, text: &str) -> Result<OneUser, Fault> {
    let unknown = || {
        Fault::not_found(format!("no account is called {text:?}")).hint("`bigskies admin user list` shows all of them")
    };
    let username = Some(text.parse().map_err(|_| unknown())?);
    match client.ask(&GetUser { user_id: None, username }).await {
        Err(fault) if fault.code == Code::NotFound => {}
        outcome => return outcome,
    }
    let user_id = Some(text.parse().map_err(|_| unknown())?);
    match client.ask(&GetUser { user_id, username: None }).await {
        Err(fault) if fault.code == Code::NotFound => Err(unknown()),
        outcome => outcome,
    }
}

/// The id of the account of this name or id, where one is named.
///
/// # Errors
/// As [`user`].
pub(crate) async fn user_id(client: &Client, text: Option<&str>) -> Result<Option<UserId>, Fault> {
    match text {
        Some(text) => Ok(Some(user(client, text).await?.user.id)),
        None => Ok(None),
    }
}

/// All accounts that fit.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn users(client: &Client, wanted: &ListUsers) -> Result<Vec<User>, Fault> {
    let question = |Paging { limit, cursor }| ListUsers { limit, cursor, ..wanted.clone() };
    pages::all(client, question, |page| (page.users, page.next)).await
}

/// All roles; of one account where it is named.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn roles(client: &Client, user_id: Option<UserId>) -> Result<Vec<Role>, Fault> {
    let question = |Paging { limit, cursor }| ListRoles { user_id: user_id.clone(), limit, cursor };
    pages::all(client, question, |page| (page.roles, page.next)).await
}

/// The role of this name or id.
///
/// # Errors
/// `not-found` where there is none.
pub(crate) async fn role(client: &Client, text: &str) -> Result<Role, Fault> {
    one("role", text, roles(client, None).await?, |role| [role.id.as_str(), &role.name])
}

/// All groups that fit.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn groups(client: &Client, wanted: &ListGroups) -> Result<Vec<Group>, Fault> {
    let question = |Paging { limit, cursor }| ListGroups { limit, cursor, ..wanted.clone() };
    pages::all(client, question, |page| (page.groups, page.next)).await
}

/// The group of this name or id.
///
/// # Errors
/// `not-found` where there is none.
pub(crate) async fn group(client: &Client, text: &str) -> Result<Group, Fault> {
    let all = groups(client, &ListGroups::default()).await?;
    one("group", text, all, |group| [group.id.as_str(), &group.name])
}

/// All organisations.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn organisations(client: &Client) -> Result<Vec<Organisation>, Fault> {
    let question = |Paging { limit, cursor }| ListOrganisations { limit, cursor };
    pages::all(client, question, |page| (page.organisations, page.next)).await
}

/// The organisation of this name or id.
///
/// # Errors
/// `not-found` where there is none.
pub(crate) async fn organisation(client: &Client, text: &str) -> Result<Organisation, Fault> {
    let all = organisations(client).await?;
    one("organisation", text, all, |organisation| [organisation.id.as_str(), &organisation.name])
}

/// The organisation of this name or id, where one is named.
///
/// # Errors
/// As [`organisation`].
pub(crate) async fn organisation_of(client: &Client, text: Option<&str>) -> Result<Option<Organisation>, Fault> {
    match text {
        Some(text) => organisation(client, text).await.map(Some),
        None => Ok(None),
    }
}

/// All API keys of an account; one's own where none is named.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn keys(client: &Client, user_id: Option<UserId>) -> Result<Vec<ApiKey>, Fault> {
    let question = |Paging { limit, cursor }| ListKeys { user_id: user_id.clone(), limit, cursor };
    pages::all(client, question, |page| (page.keys, page.next)).await
}

/// The sessions of an account that can go on.
///
/// # Errors
/// What the security coordinator says.
pub(crate) async fn sessions(client: &Client, user_id: Option<UserId>) -> Result<Vec<OpenSession>, Fault> {
    let question = |Paging { limit, cursor }| ListSessions { user_id: user_id.clone(), limit, cursor };
    pages::all(client, question, |page| (page.sessions, page.next)).await
}

/// The API key of this id, name or beginning, among those of an account that are not revoked.
///
/// # Errors
/// `not-found` where there is none, `invalid` where several are called so.
pub(crate) async fn key(client: &Client, user_id: Option<UserId>, text: &str) -> Result<ApiKey, Fault> {
    let mut all = keys(client, user_id).await?;
    all.retain(|key| key.revoked_at.is_none());
    let prefix = text.strip_prefix("bsk_").unwrap_or(text);
    if let Some(begun) = all.iter().find(|key| key.prefix == prefix) {
        return Ok(begun.clone());
    }
    one("key", text, all, |key| [key.id.as_str(), &key.name])
}

/// The one of `all` that `text` names: by its id, else by its name, whatever the case.
fn one<T>(what: &str, text: &str, all: Vec<T>, words: impl Fn(&T) -> [&str; 2]) -> Result<T, Fault> {
    let by = |index: usize| {
        let is_named = |item: &T| words(item).get(index).is_some_and(|word| word.to_lowercase() == text.to_lowercase());
        all.iter().enumerate().filter(|(_, item)| is_named(item)).map(|(place, _)| place).collect::<Vec<_>>()
    };
    let by_id = by(0);
    let found = if by_id.is_empty() { by(1) } else { by_id };
    let list = format!("`bigskies admin {what} list` shows all of them");
    match found.as_slice() {
        &[place] => all.into_iter().nth(place).ok_or_else(|| Fault::internal(format!("{what} {text} vanished"))),
        [] => {
            let known = all.iter().map(|item| words(item)[1]);
            let hint = nearest(text, known).map_or(list.clone(), |meant| format!("did you mean {meant}? {list}"));
            Err(Fault::not_found(format!("no {what} is called {text:?}")).hint(hint))
        }
        several => Err(Fault::invalid(format!("{text:?} may be any of {}", several.len()))
            .hint(format!("name it by its id; {list}"))),
    }
}

#[cfg(test)]
mod tests {
    use catalog::Shape as _;

    use super::*;

    #[test]
    fn by_id_or_by_name() {
        let role = |id: &str, name: &str| Role { id: id.parse().unwrap(), name: name.to_owned(), ..Role::example() };
        let roles = || {
            vec![
                role("operator", "operator"),
                role("r-1", "photographer"),
                role("r-2", "r-1"),
                role("r-3", "twin"),
                role("r-4", "Twin"),
            ]
        };
        for (text, wanted) in [
            ("operator", Ok("operator")),
            ("Photographer", Ok("r-1")),
            ("r-1", Ok("r-1")),
            ("R-2", Ok("r-2")),
            ("twin", Err(Code::Invalid)),
            ("r-4", Ok("r-4")),
            ("observer", Err(Code::NotFound)),
            ("", Err(Code::NotFound)),
        ] {
            let got = one("role", text, roles(), |role| [role.id.as_str(), &role.name]);
            let got = got.as_ref().map(|role| role.id.as_str()).map_err(|fault| fault.code);
            assert_eq!(got, wanted, "{text}");
        }
        let fault = one("role", "photografer", roles(), |role| [role.id.as_str(), &role.name]).unwrap_err();
        assert_eq!(fault.hint, "did you mean photographer? `bigskies admin role list` shows all of them");
    }
}
