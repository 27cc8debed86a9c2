//! How signing keys follow each other: the next one is published long before it signs, and the one before is good until its last token
//! has expired. So nobody is logged out, and nobody meets a key that was not there yet.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use store::{
    Tx,
    tokens::{KeyState, SigningKey, signing_keys},
};
use vocabulary::{Timestamp, ids::SigningKeyId};

use crate::{
    Tokens, TokensError, TokensSettings,
    keys::{self, Signer},
    tokens::Inner,
    verifier::LEEWAY,
};

/// For how long another process may sign with a key after it was replaced, before it hears of that.
const SLACK: Duration = Duration::from_secs(60);

impl Tokens {
    /// Lets the next key sign from now on, before its time. Nobody is logged out.
    ///
    /// # Errors
    /// The database does not answer, or the key can't be opened.
    pub async fn rotate(&self) -> Result<(), TokensError> {
        self.inner.turn_now(&Turn::Now).await?;
        self.inner.look().await;
        Ok(())
    }

    /// Takes a key back, since somebody else may have it: all tokens that are signed with it are refused from now on.
    ///
    /// # Errors
    /// There is none such, or the database does not answer.
    pub async fn revoke_signing_key(&self, kid: &SigningKeyId) -> Result<(), TokensError> {
        self.inner.turn_now(&Turn::Without(kid)).await?;
        self.inner.look().await;
        Ok(())
    }
}

/// When the next key takes the place of the one that signs.
enum Turn<'a> {
    /// When its time has come.
    WhenDue,
    /// Now.
    Now,
    /// Now if this is the one that signs; in any case this one is taken back.
    Without(&'a SigningKeyId),
}

impl Inner {
    /// Sees that a key signs and another is ready, as the settings have it.
    pub(crate) async fn tend_keys(&self) -> Result<(), TokensError> {
        self.turn_now(&Turn::WhenDue).await
    }

    /// Takes other settings, once it is known of the key that signs how long its tokens may live by them.
    pub(crate) async fn take_settings(&self, settings: TokensSettings) -> Result<(), TokensError> {
        let _turning = self.turning.lock().await;
        self.turn(&settings, &Turn::WhenDue).await?;
        self.settings.store(Arc::new(settings));
        Ok(())
    }

    async fn turn_now(&self, turn: &Turn<'_>) -> Result<(), TokensError> {
        let _turning = self.turning.lock().await;
        self.turn(&self.settings.load_full(), turn).await
    }

    async fn turn(&self, settings: &TokensSettings, turn: &Turn<'_>) -> Result<(), TokensError> {
        let now = self.clock.now();
        let mut tx = self.store.begin().await?;
        let before = signing_keys::locked(&mut tx).await?;
        let mut ring = Ring { keys: before.clone(), now };
        if let Turn::Without(kid) = turn {
            ring.take_back(kid)?;
        }
        ring.drop_next_of_other_algorithm(settings);
        let due = ring.due_at(settings);
        let is_due = matches!(turn, Turn::Now) || due.is_none_or(|due| due <= now);
        if is_due {
            self.make_next(&mut ring, settings, now)?;
            ring.promote_next();
        }
        self.make_next(&mut ring, settings, now.plus(announced(settings)))?;
        ring.note_longest(settings.longest_token_seconds());
        self.seal_anew(&mut ring)?;
        if ring.keys != before {
            write(&mut tx, &before, &ring.keys).await?;
            tx.commit().await?;
            self.heard().await;
        }
        *self.next_rotation.write().unwrap_or_else(PoisonError::into_inner) = ring.due_at(settings);
        self.sign_with(ring.of(KeyState::Active))
    }

    /// Makes the next key, where there is none.
    fn make_next(&self, ring: &mut Ring, settings: &TokensSettings, not_before: Timestamp) -> Result<(), TokensError> {
        if ring.of(KeyState::Next).is_none() {
            ring.keys.push(keys::fresh(settings.signing_algorithm.into(), &self.vault, ring.now, not_before)?);
        }
        Ok(())
    }

    /// Seals with the present master key what was sealed with a former one.
    fn seal_anew(&self, ring: &mut Ring) -> Result<(), TokensError> {
        for key in ring.keys.iter_mut().filter(|key| self.vault.is_outdated(&key.private_sealed)) {
            let place = SigningKey::place(&key.kid);
            match self.vault.open(&place, &key.private_sealed) {
                Ok(private) => key.private_sealed = self.vault.seal(&place, &private)?,
                // Whether it is needed shows elsewhere; one that only waits for its last token is not.
                Err(error) => tracing::warn!(kid = %key.kid, %error, "signing key can't be sealed anew"),
            }
        }
        Ok(())
    }

    fn sign_with(&self, key: Option<&SigningKey>) -> Result<(), TokensError> {
        let Some(key) = key else {
            self.signer.store(None);
            return Err(TokensError::NoSigningKey);
        };
        if self.signer.load().as_ref().is_some_and(|signer| signer.kid == key.kid) {
            return Ok(());
        }
        match Signer::open(key, &self.vault) {
            Ok(signer) => {
                tracing::info!(kid = %key.kid, algorithm = key.algorithm.as_str(), "key signs tokens");
                self.signer.store(Some(Arc::new(signer)));
                Ok(())
            }
            Err(error) => {
                self.signer.store(None);
                Err(error)
            }
        }
    }
}

fn announced(settings: &TokensSettings) -> Duration {
    Duration::from_secs(settings.signing_key_announce_seconds.into())
}

/// All keys, while it is decided what becomes of them.
struct Ring {
    keys: Vec<SigningKey>,
    now: Timestamp,
}

impl Ring {
    fn of(&self, state: KeyState) -> Option<&SigningKey> {
        self.keys.iter().find(|key| key.state == state)
    }

    fn of_mut(&mut self, state: KeyState) -> Option<&mut SigningKey> {
        self.keys.iter_mut().find(|key| key.state == state)
    }

    /// When the next key takes over; at once, where none signs.
    fn due_at(&self, settings: &TokensSettings) -> Option<Timestamp> {
        let active = self.of(KeyState::Active)?;
        let announced =
            self.of(KeyState::Next).map_or_else(|| self.now.plus(announced(settings)), |next| next.not_before);
        // One that is not as the settings want it goes as soon as the next one has been published for long enough.
        if active.algorithm != settings.signing_algorithm.into() {
            return Some(announced);
        }
        let lifetime = Duration::from_secs(settings.signing_key_lifetime_seconds.into());
        Some(active.activated_at.unwrap_or(active.created_at).plus(lifetime).max(announced))
    }

    /// Takes a key back. One that never signed just goes.
    fn take_back(&mut self, kid: &SigningKeyId) -> Result<(), TokensError> {
        let now = self.now;
        let found = self.keys.iter_mut().find(|key| key.kid == *kid);
        let key = found.ok_or_else(|| TokensError::Invalid { what: format!("signing key {kid} does not exist") })?;
        if key.state == KeyState::Next {
            self.keys.retain(|key| key.kid != *kid);
            return Ok(());
        }
        key.state = KeyState::Revoked;
        key.retire_at = Some(key.retire_at.unwrap_or_else(|| last_expiry(key, now)));
        Ok(())
    }

    fn drop_next_of_other_algorithm(&mut self, settings: &TokensSettings) {
        let algorithm = settings.signing_algorithm.into();
        self.keys.retain(|key| key.state != KeyState::Next || key.algorithm == algorithm);
    }

    fn promote_next(&mut self) {
        let now = self.now;
        if let Some(active) = self.of_mut(KeyState::Active) {
            active.state = KeyState::Retiring;
            active.retire_at = Some(last_expiry(active, now));
        }
        if let Some(next) = self.of_mut(KeyState::Next) {
            next.state = KeyState::Active;
            next.activated_at = Some(now);
        }
    }

    fn note_longest(&mut self, seconds: i64) {
        if let Some(active) = self.of_mut(KeyState::Active) {
            active.longest_token_seconds = active.longest_token_seconds.max(seconds);
        }
    }
}

/// When the last token that this key has signed until now ends.
fn last_expiry(key: &SigningKey, now: Timestamp) -> Timestamp {
    let longest = Duration::from_secs(key.longest_token_seconds.unsigned_abs());
    now.plus(longest).plus(LEEWAY).plus(SLACK)
}

/// Writes what changed: first what makes room for another state.
async fn write(tx: &mut Tx, before: &[SigningKey], after: &[SigningKey]) -> Result<(), TokensError> {
    let is_gone = |key: &SigningKey| after.iter().all(|other| other.kid != key.kid);
    if before.iter().any(|key| key.state == KeyState::Next && is_gone(key)) {
        signing_keys::remove_next(tx).await?;
    }
    let order = [KeyState::Revoked, KeyState::Retiring, KeyState::Active, KeyState::Next];
    for state in order {
        for key in after.iter().filter(|key| key.state == state && !before.contains(key)) {
            tracing::info!(kid = %key.kid, state = state.as_str(), "signing key has another state");
            signing_keys::put(tx, key).await?;
        }
    }
    Ok(())
}
