//! Sessions of users: begun with a login, gone on with by refresh tokens that are good once, ended by a logout or from above.

use std::{fmt, sync::Arc, time::Duration};

use store::{
    Page, Slice, Tx,
    tokens::{
        RefreshToken, Revoked, Session, revoked,
        sessions::{self, Ended, Which},
    },
};
use vocabulary::{
    Timestamp,
    ids::{AccountName, SessionId, TokenId, UserId},
};

use crate::{
    AUDIENCE, Claims, Kind, RefreshError, Scopes, TokenError, Tokens, TokensError, jwt, secrets, tokens::Inner,
    verifier::LEEWAY,
};

/// How many characters of what a client says of itself are kept.
const CLIENT_CHARACTERS_MAX: usize = 200;
/// A revocation is remembered for this much longer than the last token that it takes back, for tokens that came about meanwhile.
const SLACK: Duration = Duration::from_secs(60);

/// A user, as the accounts know it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The user.
    pub user_id: UserId,
    /// What it is called.
    pub account: AccountName,
    /// Its address, where it has one.
    pub email: Option<String>,
    /// Its epoch: raised whenever all of its tokens are to die.
    pub epoch: i64,
}

/// Who logs in, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The user.
    pub holder: Holder,
    /// For whom the tokens are; [`AUDIENCE`] where nothing is said.
    pub audience: Option<String>,
    /// What they are good for; all that the user may where nothing is said.
    pub scopes: Option<Scopes>,
    /// What the client says of itself, for the list of sessions.
    pub client: String,
}

/// What a login or a refresh brings.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The token to come with.
    pub access: String,
    /// Its id.
    pub access_id: TokenId,
    /// When it ends.
    pub access_expires_at: Timestamp,
    /// The token to get the next ones with, once.
    pub refresh: String,
    /// When it ends unused.
    pub refresh_expires_at: Timestamp,
    /// The session.
    pub session: SessionId,
    /// When the session ends, whatever happens.
    pub session_expires_at: Timestamp,
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issued")
            .field("access", &"***")
            .field("access_id", &self.access_id)
            .field("access_expires_at", &self.access_expires_at)
            .field("refresh", &"***")
            .field("refresh_expires_at", &self.refresh_expires_at)
            .field("session", &self.session)
            .field("session_expires_at", &self.session_expires_at)
            .finish()
    }
}

impl Tokens {
    /// Begins a session for a user whose password, key or certificate was checked.
    ///
    /// # Errors
    /// No key signs, or the database does not answer.
    pub async fn issue(&self, subject: &Subject) -> Result<Issued, TokensError> {
        let mut tx = self.inner.store.begin().await?;
        let issued = self.issue_in(&mut tx, subject).await?;
        tx.commit().await?;
        Ok(issued)
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// No key signs, or the database does not answer.
    pub async fn issue_in(&self, tx: &mut Tx, subject: &Subject) -> Result<Issued, TokensError> {
        let (inner, now) = (&self.inner, self.inner.clock.now());
        let settings = inner.settings.load_full();
        let begun = Begun {
            session: SessionId::fresh(),
            audience: subject.audience.clone().unwrap_or_else(|| AUDIENCE.to_owned()),
            scopes: subject.scopes.clone(),
            client: subject.client.chars().filter(|c| !c.is_control()).take(CLIENT_CHARACTERS_MAX).collect(),
            began_at: now,
            ends_at: now.plus(Duration::from_secs(settings.session_absolute_seconds.into())),
        };
        let kept = i64::from(settings.sessions_per_user_max) - 1;
        for session in sessions::surplus(tx, &subject.holder.user_id, kept, now).await? {
            inner.end_in(tx, Which::One(&session), "too-many-sessions").await?;
        }
        inner.hand_out(tx, &subject.holder, begun, now).await
    }

    /// Whose refresh token this is, so that it can be looked up how that user is now. Nothing where there is none such.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn holder_of(&self, refresh: &str) -> Result<Option<UserId>, TokensError> {
        let Some(hash) = secrets::hash_of_refresh_token(refresh) else { return Ok(None) };
        Ok(sessions::get(&self.inner.store, &hash).await?.map(|token| token.user_id))
    }

    /// Goes on with a session: the refresh token is used up, and another comes with the next access token. `holder` is its user as the
    /// accounts know it now, or nothing where there is no such user or it is disabled.
    ///
    /// It has a transaction of its own, since a refusal may end the session, and that must last.
    ///
    /// # Errors
    /// [`TokensError::Refresh`] says why the session does not go on; or no key signs, or the database does not answer.
    pub async fn refresh(&self, refresh: &str, holder: Option<&Holder>) -> Result<Issued, TokensError> {
        let (inner, now) = (&self.inner, self.inner.clock.now());
        let hash = secrets::hash_of_refresh_token(refresh).ok_or(RefreshError::Unknown)?;
        let mut tx = inner.store.begin().await?;
        let old = sessions::locked(&mut tx, &hash).await?.ok_or(RefreshError::Unknown)?;
        let ended = old.revoked_at.is_some() || sessions::is_ended(&mut tx, &old.session).await?;
        match may_go_on(&old, ended, holder, now) {
            Ok(holder) => {
                sessions::used(&mut tx, &hash, now).await?;
                let issued = inner.hand_out(&mut tx, holder, Begun::from(old), now).await?;
                tx.commit().await?;
                Ok(issued)
            }
            Err(refusal) if refusal.ends_session() => {
                inner.end_in(&mut tx, Which::One(&old.session), refusal.reason()).await?;
                tx.commit().await?;
                tracing::warn!(session = %old.session, account = %old.account, reason = refusal.reason(), "session was ended");
                inner.heard().await;
                Err(refusal.into())
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Ends what this token belongs to: a user's whole session, or a plugin's or node's token alone. One whose time is over will do.
    ///
    /// # Errors
    /// The token is none of ours, or an API key; or the database does not answer.
    pub async fn logout(&self, access: &str) -> Result<Arc<Claims>, TokensError> {
        let mut tx = self.inner.store.begin().await?;
        let claims = self.logout_in(&mut tx, access).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(claims)
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// The token is none of ours, or an API key; or the database does not answer.
    pub async fn logout_in(&self, tx: &mut Tx, access: &str) -> Result<Arc<Claims>, TokensError> {
        let inner = &self.inner;
        let claims = inner.verifier.read(access, inner.clock.now())?;
        let end = claims.expires_at.filter(|_| claims.kind != Kind::Key).ok_or(TokenError::Type)?;
        if let Some(session) = &claims.session {
            inner.end_in(tx, Which::One(session), "logout").await?;
        }
        inner.take_back(tx, claims.jti.as_str(), claims.user_id.as_ref(), "logout", end).await?;
        Ok(claims)
    }

    /// Takes one token back by its id.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke(&self, jti: &TokenId, reason: &str) -> Result<(), TokensError> {
        let mut tx = self.inner.store.begin().await?;
        self.revoke_in(&mut tx, jti, reason).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(())
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn revoke_in(&self, tx: &mut Tx, jti: &TokenId, reason: &str) -> Result<(), TokensError> {
        // When it ends is not known here; no token lives longer than this.
        let end = self.inner.longest_end();
        self.inner.take_back(tx, jti.as_str(), None, reason, end).await
    }

    /// Ends sessions, with all of their tokens: one, those of a user, or everybody's. Says how many.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_sessions(&self, which: Which<'_>, reason: &str) -> Result<u64, TokensError> {
        let mut tx = self.inner.store.begin().await?;
        let ended = self.end_sessions_in(&mut tx, which, reason).await?;
        tx.commit().await?;
        self.inner.heard().await;
        Ok(ended)
    }

    /// The same in a transaction of the caller's.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn end_sessions_in(&self, tx: &mut Tx, which: Which<'_>, reason: &str) -> Result<u64, TokensError> {
        self.inner.end_in(tx, which, reason).await
    }

    /// The sessions that can go on, of one user or of all.
    ///
    /// # Errors
    /// The cursor is none of this list's, or the database does not answer.
    pub async fn sessions(&self, user: Option<&UserId>, slice: &Slice) -> Result<Page<Session>, TokensError> {
        Ok(sessions::list(&self.inner.store, user, self.inner.clock.now(), slice).await?)
    }
}

/// What a session was begun with.
struct Begun {
    session: SessionId,
    audience: String,
    scopes: Option<Scopes>,
    client: String,
    began_at: Timestamp,
    ends_at: Timestamp,
}

impl From<RefreshToken> for Begun {
    fn from(token: RefreshToken) -> Self {
        // They were parsed when the session began; a row that somebody changed is worth no right at all.
        let scopes =
            |texts: Vec<String>| Scopes::parse(texts.iter().map(String::as_str)).unwrap_or_else(|_| Scopes::none());
        Self {
            session: token.session,
            audience: token.audience,
            scopes: token.scopes.map(scopes),
            client: token.client,
            began_at: token.session_began_at,
            ends_at: token.absolute_expires_at,
        }
    }
}

/// The user, if the session may go on.
fn may_go_on<'a>(
    token: &RefreshToken,
    ended: bool,
    holder: Option<&'a Holder>,
    now: Timestamp,
) -> Result<&'a Holder, RefreshError> {
    let session = token.session.clone();
    if ended {
        return Err(RefreshError::Ended { session });
    }
    if token.used_at.is_some() {
        return Err(RefreshError::Reused { session });
    }
    if token.absolute_expires_at <= now {
        return Err(RefreshError::Over { session });
    }
    if token.expires_at <= now {
        return Err(RefreshError::Idle { session });
    }
    match holder {
        Some(holder) if holder.user_id != token.user_id => Err(RefreshError::Unknown),
        Some(holder) if holder.epoch > token.epoch => Err(RefreshError::Outdated { session }),
        Some(holder) => Ok(holder),
        None => Err(RefreshError::NoUser { session }),
    }
}

impl Inner {
    /// The next two tokens of a session.
    async fn hand_out(
        &self,
        tx: &mut Tx,
        holder: &Holder,
        begun: Begun,
        now: Timestamp,
    ) -> Result<Issued, TokensError> {
        let settings = self.settings.load_full();
        let lasting = |seconds: u32| now.plus(Duration::from_secs(seconds.into())).min(begun.ends_at);
        let access_expires_at = jwt::whole_second(lasting(settings.token_duration));
        let claims = Claims {
            kind: Kind::User,
            account: holder.account.clone(),
            user_id: Some(holder.user_id.clone()),
            email: holder.email.clone(),
            jti: TokenId::fresh(),
            session: Some(begun.session.clone()),
            audience: Some(begun.audience.clone()),
            issued_at: now,
            not_before: now,
            expires_at: Some(access_expires_at),
            epoch: Some(holder.epoch),
            scopes: begun.scopes.clone(),
            kid: None,
        };
        let access = self.sign(&claims)?;
        let refresh = secrets::refresh_token()?;
        let row = RefreshToken {
            hash: secrets::hash(&refresh),
            session: begun.session.clone(),
            user_id: holder.user_id.clone(),
            account: holder.account.clone(),
            epoch: holder.epoch,
            audience: begun.audience,
            scopes: begun.scopes.as_ref().map(Scopes::to_vec),
            client: begun.client,
            session_began_at: begun.began_at,
            issued_at: now,
            expires_at: lasting(settings.session_idle_seconds),
            absolute_expires_at: begun.ends_at,
            access_expires_at,
            used_at: None,
            revoked_at: None,
        };
        sessions::add(tx, &row).await?;
        Ok(Issued {
            access,
            access_id: claims.jti,
            access_expires_at,
            refresh,
            refresh_expires_at: row.expires_at,
            session: begun.session,
            session_expires_at: row.absolute_expires_at,
        })
    }

    /// Signs with the key that signs now.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<String, TokensError> {
        let signer = self.signer.load_full().ok_or(TokensError::NoSigningKey)?;
        jwt::sign(&signer, claims)
    }

    /// Ends sessions. Says how many.
    async fn end_in(&self, tx: &mut Tx, which: Which<'_>, reason: &str) -> Result<u64, TokensError> {
        let now = self.clock.now();
        let ended = sessions::end(tx, which, now).await?;
        // A token that is being issued right now ends a moment after the last one that the rows know of.
        let about_to_come = now.plus(Duration::from_secs(self.settings.load().token_duration.into()));
        for Ended { id, user_id, access_expires_at } in &ended {
            let end = (*access_expires_at).max(about_to_come);
            self.take_back(tx, id.as_str(), Some(user_id), reason, end).await?;
        }
        Ok(ended.len() as u64)
    }

    /// Remembers that a token or session was taken back until its last token has ended.
    pub(crate) async fn take_back(
        &self,
        tx: &mut Tx,
        id: &str,
        user_id: Option<&UserId>,
        reason: &str,
        end: Timestamp,
    ) -> Result<(), TokensError> {
        let revoked = Revoked {
            id: id.to_owned(),
            user_id: user_id.cloned(),
            reason: reason.to_owned(),
            revoked_at: self.clock.now(),
            expires_at: end.plus(LEEWAY).plus(SLACK),
        };
        Ok(revoked::add(tx, &revoked).await?)
    }

    /// When the last token ends that could have been issued until now.
    fn longest_end(&self) -> Timestamp {
        self.clock.now().plus(Duration::from_secs(self.settings.load().longest_token_seconds().unsigned_abs()))
    }
}
