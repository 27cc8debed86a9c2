//! What a verifier knows at a moment: keys, what was taken back, epochs, API keys. It is replaced as a whole, never changed.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use serde_json::{Value, json};
use store::{
    Vault,
    tokens::{ApiKey, EpochKind, KeyState, Snapshot},
};
use vocabulary::{
    Timestamp,
    ids::{AccountName, ApiKeyId, SigningKeyId},
};

use crate::{Scopes, keys::VerifyingKey};

/// All that a check depends on.
#[derive(Debug)]
pub(crate) struct Known {
    /// Counts the times that something else was read than before.
    pub(crate) generation: u64,
    /// When it was read.
    pub(crate) read_at: Timestamp,
    pub(crate) keys: HashMap<String, Arc<VerifyingKey>>,
    pub(crate) revoked: HashSet<String>,
    epochs: HashMap<(EpochKind, AccountName), i64>,
    pub(crate) api_keys: HashMap<String, Arc<KnownApiKey>>,
    /// The same by their ids.
    by_id: HashMap<ApiKeyId, Arc<KnownApiKey>>,
}

/// An API key and when it was used last.
#[derive(Debug)]
pub(crate) struct KnownApiKey {
    pub(crate) row: ApiKey,
    pub(crate) scopes: Option<Scopes>,
    /// In seconds since 1970; 0 for never.
    used: AtomicI64,
    /// What of it is in the store.
    noted: AtomicI64,
}

impl Known {
    /// From what was read, keeping what has not changed since.
    pub(crate) fn of(read: Snapshot, before: Option<&Self>, vault: Option<&Vault>, read_at: Timestamp) -> Self {
        let keys = read.signing_keys.iter().map(|key| {
            let same = before.and_then(|before| before.keys.get(key.kid.as_str())).filter(|known| known.is(key));
            (key.kid.to_string(), same.cloned().unwrap_or_else(|| VerifyingKey::of(key, vault)))
        });
        let api_keys = read.api_keys.into_iter().filter_map(|row| {
            let same = before.and_then(|before| before.api_keys.get(&row.prefix)).filter(|known| known.is(&row));
            let prefix = row.prefix.clone();
            Some((prefix, same.cloned().or_else(|| KnownApiKey::of(row))?))
        });
        let api_keys: HashMap<String, Arc<KnownApiKey>> = api_keys.collect();
        let mut known = Self {
            generation: 1,
            read_at,
            keys: keys.collect(),
            revoked: read.revoked.into_iter().collect(),
            epochs: read.epochs.into_iter().map(|epoch| ((epoch.kind, epoch.account), epoch.epoch)).collect(),
            by_id: api_keys.values().map(|key| (key.row.id.clone(), Arc::clone(key))).collect(),
            api_keys,
        };
        if let Some(before) = before {
            known.generation = before.generation + u64::from(!known.says_the_same(before));
        }
        known
    }

    fn says_the_same(&self, other: &Self) -> bool {
        self.revoked == other.revoked
            && self.epochs == other.epochs
            && are_the_same(&self.keys, &other.keys)
            && are_the_same(&self.api_keys, &other.api_keys)
    }

    /// The epoch of a plugin or node.
    pub(crate) fn epoch(&self, kind: EpochKind, account: &AccountName) -> i64 {
        self.epochs.get(&(kind, account.clone())).copied().unwrap_or_default()
    }

    /// The key that signs.
    pub(crate) fn active(&self) -> Option<&SigningKeyId> {
        self.keys.values().find(|key| key.state == KeyState::Active).map(|key| &key.kid)
    }

    /// The public keys as a JWK set (RFC 7517 §5), in the order of their making. Shared secrets are never in it.
    pub(crate) fn jwks(&self) -> Value {
        let mut keys: Vec<_> = self.keys.values().filter(|key| key.state != KeyState::Revoked).collect();
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        json!({ "keys": keys.iter().filter_map(|key| key.jwk()).collect::<Vec<_>>() })
    }

    /// The API key with this id.
    pub(crate) fn api_key(&self, id: &ApiKeyId) -> Option<&Arc<KnownApiKey>> {
        self.by_id.get(id)
    }

    /// The API keys that were used since that was noted last.
    pub(crate) fn used_api_keys(&self) -> Vec<(Arc<KnownApiKey>, ApiKeyId, Timestamp)> {
        let used = |key: &Arc<KnownApiKey>| {
            let used = key.used.load(Ordering::Relaxed);
            let at = time::OffsetDateTime::from_unix_timestamp(used).ok().map(Timestamp::new)?;
            (used > key.noted.load(Ordering::Relaxed)).then(|| (Arc::clone(key), key.row.id.clone(), at))
        };
        self.api_keys.values().filter_map(used).collect()
    }
}

fn are_the_same<T>(these: &HashMap<String, Arc<T>>, those: &HashMap<String, Arc<T>>) -> bool {
    let is_there = |(name, one): (&String, &Arc<T>)| those.get(name).is_some_and(|other| Arc::ptr_eq(one, other));
    these.len() == those.len() && these.iter().all(is_there)
}

impl KnownApiKey {
    /// Nothing where its scopes can't be read: then it must not be good for everything.
    fn of(row: ApiKey) -> Option<Arc<Self>> {
        let scopes = row.scopes.as_ref().map(|scopes| Scopes::parse(scopes.iter().map(String::as_str)));
        let scopes =
            scopes.transpose().inspect_err(|error| tracing::error!(id = %row.id, %error, "API key is no good"));
        Some(Arc::new(Self { scopes: scopes.ok()?, row, used: AtomicI64::new(0), noted: AtomicI64::new(0) }))
    }

    fn is(&self, row: &ApiKey) -> bool {
        let known = ApiKey { last_used_at: row.last_used_at, ..self.row.clone() };
        known == *row
    }

    /// It was used now.
    pub(crate) fn touch(&self, now: Timestamp) {
        self.used.fetch_max(now.instant().unix_timestamp(), Ordering::Relaxed);
    }

    /// Its use was noted.
    pub(crate) fn note(&self, at: Timestamp) {
        self.noted.fetch_max(at.instant().unix_timestamp(), Ordering::Relaxed);
    }
}
