//! What the things that messages name lie in: an account or a group in its organisation. Known without waiting, since the frame asks.

use std::{collections::HashMap, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use store::{Slice, accounts::groups::Filter, page::LIMIT_MAX};
use tokio::time::sleep;
use vocabulary::{
    Fault,
    ids::{AccountName, GroupId, OrganisationId, UserId},
};

use crate::{Security, faults};

/// What an id may be of. Ids are unlike each other, so a right in any of these scopes means this thing.
const KINDS: [&str; 5] = ["user", "role", "group", "organisation", "certificate"];
/// The pause before the database is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Which organisation groups belong to.
#[derive(Debug, Default)]
pub(crate) struct Places(ArcSwap<HashMap<GroupId, OrganisationId>>);

impl Security {
    /// The scopes in which a right counts for the thing of this id, or the account of this name.
    pub(crate) fn scopes_of(&self, named: &str) -> Vec<String> {
        let kinds = KINDS.iter().map(|kind| format!("{kind}:{named}"));
        let organisation = self.organisation_of(named).map(|organisation| format!("organisation:{organisation}"));
        kinds.chain(organisation).collect()
    }

    fn organisation_of(&self, named: &str) -> Option<OrganisationId> {
        let rights = self.given.rights.snapshot();
        let of_id = || rights.account_of(&named.parse::<UserId>().ok()?);
        let of_name = || rights.account(&named.parse::<AccountName>().ok()?);
        match of_id().or_else(of_name) {
            Some(account) => account.organisation.clone(),
            None => self.places.0.load().get(&named.parse::<GroupId>().ok()?).cloned(),
        }
    }

    /// Reads which organisation groups belong to.
    pub(crate) async fn read_places(&self) -> Result<(), Fault> {
        let (mut places, mut slice) = (HashMap::new(), Slice::first(LIMIT_MAX));
        loop {
            let page = self.accounts.groups(&Filter::default(), &slice).await.map_err(faults::of_accounts)?;
            places.extend(page.items.into_iter().filter_map(|group| Some((group.id, group.organisation?))));
            if page.next.is_none() {
                break;
            }
            slice.cursor = page.next;
        }
        self.places.0.store(Arc::new(places));
        Ok(())
    }
}

/// Reads it again whenever rights changed.
pub(crate) async fn keep(security: &Security) -> Result<(), Fault> {
    let mut generations = security.given.rights.generations();
    while generations.changed().await.is_ok() {
        while let Err(fault) = security.read_places().await {
            tracing::debug!(%fault, "groups can't be read");
            sleep(PAUSE).await;
        }
    }
    std::future::pending().await
}
