//! What follows a change: this process knows of it before anybody is answered, and the others are told.

use catalog::{
    Event,
    security::{Revoked, RightsChange, RightsChanged, TokenRevoked, UserChange, UserChanged},
};
use store::accounts::users::User;
use vocabulary::ids::AccountName;

use crate::{Cx, Security, shown};

impl Security {
    /// Lets what was committed hold in this process. Where that fails, the database's notice does it as soon as it is back.
    pub(crate) async fn refresh(&self) {
        let (rights, tokens) = tokio::join!(self.given.rights.refresh(), self.given.verifier.reload());
        if let Err(error) = rights {
            tracing::warn!(%error, "rights were changed and can't be read again yet");
        }
        if let Err(error) = tokens {
            tracing::warn!(%error, "tokens were changed and can't be read again yet");
        }
    }

    /// Publishes an event about what has happened already: if that fails the effect stands all the same.
    pub(crate) async fn announce<E: Event + Sync>(&self, event: &E) {
        if let Err(fault) = self.bus.emit(event).await {
            tracing::warn!(event = E::NAME, %fault, "event was not published");
        }
    }
}

/// Who changes something, as events name it.
pub(crate) fn author(cx: &Cx) -> Option<AccountName> {
    Some(cx.caller().account.clone())
}

/// An account changed.
pub(crate) async fn user_changed(cx: &Cx, user: User, change: UserChange) {
    cx.announce(&UserChanged { user: shown::user(user), change, changed_by: author(cx) }).await;
}

/// All that a user has was taken back.
pub(crate) async fn user_revoked(cx: &Cx, user: &User, reason: &str) {
    let revoked = TokenRevoked {
        what: Revoked::User,
        id: user.id.to_string(),
        username: Some(user.username.clone()),
        reason: reason.to_owned(),
    };
    cx.announce(&revoked).await;
}

/// What somebody may do changed.
pub(crate) fn rights_change(cx: &Cx, change: RightsChange) -> RightsChanged {
    RightsChanged { change, user_id: None, role_id: None, group_id: None, rule: None, changed_by: author(cx) }
}
