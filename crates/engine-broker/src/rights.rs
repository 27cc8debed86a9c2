//! Subscriptions that outlived the right to them.

use std::collections::BTreeSet;

use mqtt5::broker::storage::{ClientSession, StorageBackend};
use vocabulary::ids::AccountName;

use crate::{gate::Asker, shared::Shared};

/// Asks the gate again about the subscriptions of one account, or of all, and ends those that it refuses.
pub(crate) async fn review(shared: &Shared, account: Option<&AccountName>) -> usize {
    let mut ended = 0;
    for client_id in shared.storage.session_client_ids().await.unwrap_or_default() {
        let Some((owner, session)) = owned_session(shared, &client_id).await else { continue };
        if account.is_some_and(|account| *account != owner) || lost(shared, &owner, &client_id, &session).is_empty() {
            continue;
        }
        ended += end_lost(shared, &client_id).await;
    }
    ended
}

async fn owned_session(shared: &Shared, client_id: &str) -> Option<(AccountName, ClientSession)> {
    let session = shared.storage.get_session(client_id).await.ok().flatten()?;
    let owner = session.user_id.as_deref()?.parse().ok()?;
    Some((owner, session))
}

fn lost(shared: &Shared, owner: &AccountName, client_id: &str, session: &ClientSession) -> BTreeSet<String> {
    let asker = Asker { account: owner, client_id, peer: Asker::NOWHERE };
    session.subscriptions.keys().filter(|filter| shared.may_subscribe(&asker, filter).is_err()).cloned().collect()
}

/// Ends what one session has lost, while nobody else can change it.
async fn end_lost(shared: &Shared, client_id: &str) -> usize {
    let slot = shared.router.lock_session(client_id).await;
    let Some((owner, session)) = owned_session(shared, client_id).await else { return 0 };
    let lost = lost(shared, &owner, client_id, &session);
    for filter in &lost {
        shared.router.unsubscribe(client_id, filter, None).await;
    }
    if lost.len() == session.subscriptions.len() {
        // What waits came through these subscriptions.
        shared.router.queue_handle(client_id).clear(None);
    }
    tracing::info!(client = client_id, account = %owner, filters = ?lost, "subscriptions ended, since the account lost the right to them");
    let count = lost.len();
    let kept = shared.storage.update_session(client_id, session.connection_token, move |session| {
        session.subscriptions.retain(|filter, _| !lost.contains(filter));
    });
    if let Err(error) = kept.await {
        tracing::error!(client = client_id, %error, "session can't be written; its rights are asked for again when its client comes back");
    }
    drop(slot);
    count
}
