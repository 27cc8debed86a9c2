//! Checks tokens in every process, from what is in memory: it never waits, neither for the database nor for another check.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use arc_swap::{ArcSwap, ArcSwapOption};
use aws_lc_rs::constant_time;
use serde_json::Value;
use store::{
    Changed, Changes, Store, Vault,
    tokens::{self, EpochKind, KeyState},
};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};
use vocabulary::{
    Clock, Timestamp,
    ids::{ApiKeyId, SigningKeyId, UserId},
};

use crate::{
    AUDIENCE, Claims, Kind, TokenError, TokensError,
    cache::Cache,
    jwt::{self, TOKEN_BYTES_MAX},
    known::{Known, KnownApiKey},
    secrets,
};

/// How wrong the clocks of two machines may be.
pub(crate) const LEEWAY: Duration = Duration::from_secs(5);
/// How often everything is read again though no notice came, since one may have been lost with its connection.
const ROUND: Duration = Duration::from_secs(5);
/// How often it is noted which API keys were used.
const NOTE_ROUND: Duration = Duration::from_secs(60);

/// The epoch of a user now; nothing where there is no such user or it is disabled. Asked for each check, so it must not wait.
pub type CurrentEpoch = Arc<dyn Fn(&UserId) -> Option<i64> + Send + Sync>;

/// Checks tokens. Cheap to clone; all clones know the same.
#[derive(Clone)]
pub struct Verifier {
    shared: Arc<Shared>,
    audience: Arc<str>,
    _keeper: Arc<Keeper>,
}

struct Shared {
    store: Store,
    vault: Option<Vault>,
    clock: Clock,
    current_epoch: CurrentEpoch,
    known: ArcSwap<Known>,
    cache: Cache,
    generation: watch::Sender<u64>,
    /// Held while it is read anew, so that nothing older takes the place of something newer.
    reading: tokio::sync::Mutex<()>,
    failure: ArcSwapOption<String>,
}

/// Keeps what is known fresh for as long as somebody checks.
struct Keeper(Mutex<Option<JoinHandle<()>>>);

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Some(task) = self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let generation = self.shared.known.load().generation;
        f.debug_struct("Verifier")
            .field("audience", &self.audience)
            .field("generation", &generation)
            .finish_non_exhaustive()
    }
}

impl Verifier {
    /// Reads what it has to know and keeps it fresh from then on, by the notices of `changes`. The vault is for shared secrets
    /// (`hs256`); without it, tokens that are signed with one are refused.
    ///
    /// # Errors
    /// The database does not answer, or `changes` does not listen on [`tokens::CHANNEL`].
    pub async fn start(
        store: Store,
        vault: Option<Vault>,
        changes: &Changes,
        current_epoch: CurrentEpoch,
        clock: Clock,
    ) -> Result<Self, TokensError> {
        let changed = changes.on(tokens::CHANNEL).ok_or(TokensError::Deaf)?;
        let read = tokens::snapshot(&store, clock.now()).await?;
        let known = Known::of(read, None, vault.as_ref(), clock.now());
        let shared = Arc::new(Shared {
            store,
            vault,
            clock,
            current_epoch,
            generation: watch::Sender::new(known.generation),
            known: ArcSwap::from_pointee(known),
            cache: Cache::default(),
            reading: tokio::sync::Mutex::default(),
            failure: ArcSwapOption::empty(),
        });
        let keeper = tokio::spawn(keep(Arc::clone(&shared), changed));
        Ok(Self { shared, audience: AUDIENCE.into(), _keeper: Arc::new(Keeper(Mutex::new(Some(keeper)))) })
    }

    /// The same for tokens that are meant for somebody else.
    #[must_use]
    pub fn for_audience(&self, audience: &str) -> Self {
        Self { audience: audience.into(), ..self.clone() }
    }

    /// What a token or API key says, if it is good now.
    ///
    /// # Errors
    /// The reason why it is not, for the audit trail and not for who sent it.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        let known = self.shared.known.load();
        let claims = self.proven(token, &known, now)?;
        if claims.kind == Kind::Key {
            return Ok(claims);
        }
        if claims.audience.as_deref() != Some(&*self.audience) {
            return Err(TokenError::Audience);
        }
        in_time(&claims, now)?;
        self.not_taken_back(&claims, &known)?;
        Ok(claims)
    }

    /// The same for an API key that was proven before, by its id: is it still good?
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn standing_key(&self, id: &ApiKeyId, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        let known = self.shared.known.load();
        self.good(known.api_key(id).ok_or(TokenError::UnknownApiKey)?, now)
    }

    /// The public keys as a JWK set, for others who check our tokens.
    pub fn jwks(&self) -> Value {
        self.shared.known.load().jwks()
    }

    /// Which state of what is known answers now.
    pub fn generation(&self) -> u64 {
        self.shared.known.load().generation
    }

    /// Tells whenever something changed: rights to connect or to read that hang on a token are to be looked at again, and the JWK set
    /// may be another.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.shared.generation.subscribe()
    }

    /// Reads everything again now.
    ///
    /// # Errors
    /// The database does not answer.
    pub async fn reload(&self) -> Result<(), TokensError> {
        self.shared.read().await
    }

    /// Notes now which API keys were used here. It is done every minute anyway; this is for who ends.
    pub async fn note_uses(&self) {
        self.shared.note_used_api_keys().await;
    }

    /// For how long nothing was heard of the database. What is known meanwhile stays good, since tokens end by themselves.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.shared.known.load().read_at)
    }

    /// Why it could not be read the last time.
    pub fn failure(&self) -> Option<String> {
        self.shared.failure.load().as_deref().cloned()
    }

    /// The key that signs, as far as it is known here.
    pub(crate) fn active(&self) -> Option<SigningKeyId> {
        self.shared.known.load().active().cloned()
    }

    /// Each key and where it is in its life.
    pub(crate) fn key_states(&self) -> Value {
        let known = self.shared.known.load();
        let states: std::collections::BTreeMap<&str, &str> =
            known.keys.iter().map(|(kid, key)| (kid.as_str(), key.state.as_str())).collect();
        serde_json::json!(states)
    }

    /// What a token says that is ours, whether its time is over or it was taken back.
    pub(crate) fn read(&self, token: &str, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        self.proven(token, &self.shared.known.load(), now)
    }

    fn proven(&self, token: &str, known: &Known, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        if token.len() > TOKEN_BYTES_MAX {
            return Err(TokenError::TooLong { bytes: token.len() });
        }
        if token.starts_with(secrets::API_KEY) {
            return self.api_key(token, known, now);
        }
        if token.starts_with(secrets::REFRESH) {
            return Err(TokenError::RefreshToken);
        }
        let hash = secrets::hash(token);
        if let Some(claims) = self.shared.cache.get(&hash, known, now) {
            return Ok(claims);
        }
        let parts = jwt::parse(token)?;
        let key = known.keys.get(&parts.kid).ok_or(TokenError::UnknownKey)?;
        if key.state == KeyState::Revoked {
            return Err(TokenError::KeyRevoked);
        }
        let claims = Arc::new(jwt::prove(&parts, key)?);
        self.shared.cache.put(hash, Arc::clone(key), Arc::clone(&claims), now);
        Ok(claims)
    }

    fn api_key(&self, text: &str, known: &Known, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        let malformed = TokenError::Malformed { what: "it has not the form of an API key" };
        let prefix = secrets::prefix_of_api_key(text).ok_or(malformed)?;
        let found = known.api_keys.get(prefix);
        // An unknown prefix costs the same time as a wrong secret.
        let expected = found.map_or([0; 32], |key| key.row.sha256);
        let fits = constant_time::verify_slices_are_equal(&secrets::hash(text), &expected).is_ok();
        self.good(found.filter(|_| fits).ok_or(TokenError::UnknownApiKey)?, now)
    }

    /// What an API key says that is not revoked, has not ended, and whose user may be.
    fn good(&self, key: &KnownApiKey, now: Timestamp) -> Result<Arc<Claims>, TokenError> {
        if key.row.revoked_at.is_some() {
            return Err(TokenError::ApiKeyRevoked);
        }
        if key.row.expires_at.is_some_and(|end| end <= now) {
            return Err(TokenError::ApiKeyExpired);
        }
        (self.shared.current_epoch)(&key.row.user_id).ok_or(TokenError::NoUser)?;
        key.touch(now);
        Ok(Arc::new(Claims {
            kind: Kind::Key,
            account: key.row.account.clone(),
            user_id: Some(key.row.user_id.clone()),
            email: None,
            jti: key.row.id.as_str().parse().map_err(|_| TokenError::UnknownApiKey)?,
            session: None,
            audience: None,
            issued_at: key.row.created_at,
            not_before: key.row.created_at,
            expires_at: key.row.expires_at,
            epoch: None,
            scopes: key.scopes.clone(),
            kid: None,
        }))
    }

    fn not_taken_back(&self, claims: &Claims, known: &Known) -> Result<(), TokenError> {
        let is_revoked = |id: &str| known.revoked.contains(id);
        if is_revoked(claims.jti.as_str()) || claims.session.as_ref().is_some_and(|id| is_revoked(id.as_str())) {
            return Err(TokenError::Revoked);
        }
        let current = match (claims.kind, &claims.user_id) {
            (Kind::Plugin, _) => Some(known.epoch(EpochKind::Plugin, &claims.account)),
            (Kind::Node, _) => Some(known.epoch(EpochKind::Node, &claims.account)),
            (Kind::User | Kind::Key, Some(user)) => (self.shared.current_epoch)(user),
            (Kind::User | Kind::Key, None) => None,
        };
        // A later epoch than the one known here is not refused: the token is newer than what this process knows.
        match current {
            None => Err(TokenError::NoUser),
            Some(current) if claims.epoch.is_none_or(|epoch| epoch < current) => Err(TokenError::Outdated),
            Some(_) => Ok(()),
        }
    }
}

fn in_time(claims: &Claims, now: Timestamp) -> Result<(), TokenError> {
    if claims.expires_at.is_none_or(|end| end.plus(LEEWAY) <= now) {
        return Err(TokenError::Expired);
    }
    if claims.not_before.max(claims.issued_at) > now.plus(LEEWAY) {
        return Err(TokenError::NotYetValid);
    }
    Ok(())
}

impl Shared {
    async fn read(&self) -> Result<(), TokensError> {
        let _reading = self.reading.lock().await;
        let read = tokens::snapshot(&self.store, self.clock.now()).await;
        self.failure.store(read.as_ref().err().map(|error| Arc::new(error.to_string())));
        let known = Known::of(read?, Some(&self.known.load()), self.vault.as_ref(), self.clock.now());
        let generation = known.generation;
        self.known.store(Arc::new(known));
        self.generation.send_if_modified(|told| std::mem::replace(told, generation) != generation);
        Ok(())
    }

    async fn note_used_api_keys(&self) {
        let used = self.known.load().used_api_keys();
        if used.is_empty() {
            return;
        }
        let rows: Vec<_> = used.iter().map(|(_, id, at)| (id.clone(), *at)).collect();
        match tokens::api_keys::touch(&self.store, &rows).await {
            Ok(()) => used.iter().for_each(|(key, _, at)| key.note(*at)),
            Err(error) => tracing::debug!(%error, "use of API keys can't be noted"),
        }
    }
}

async fn keep(shared: Arc<Shared>, mut changed: Changed) {
    let (mut rounds, mut note_rounds) = (interval(ROUND), interval(NOTE_ROUND));
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    note_rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = changed.next() => {}
            _ = rounds.tick() => {}
            _ = note_rounds.tick() => {
                shared.note_used_api_keys().await;
                continue;
            }
        }
        if let Err(error) = shared.read().await {
            tracing::warn!(%error, "what tokens are checked against can't be read");
        }
    }
}
