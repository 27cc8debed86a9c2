//! Tokens whose signatures were checked a moment ago, by their hashes, so that a busy client's is not checked for each message.
//!
//! Only the signature is remembered. Whether the token is still good is looked at each time, so that nothing has to be cleared here
//! when it is taken back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use store::tokens::Hash;
use vocabulary::Timestamp;

use crate::{Claims, keys::VerifyingKey, known::Known};

/// For how long a signature is remembered.
const KEPT: Duration = Duration::from_secs(30);
/// How many parts it has, so that threads seldom meet at one.
const PARTS: usize = 16;
/// How many tokens a part holds.
const PART_MAX: usize = 512;

/// The memory.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    parts: [Mutex<HashMap<Hash, Entry>>; PARTS],
}

#[derive(Debug)]
struct Entry {
    claims: Arc<Claims>,
    key: Arc<VerifyingKey>,
    checked_at: Timestamp,
}

impl Entry {
    fn is_fresh(&self, now: Timestamp) -> bool {
        // A clock that was set back makes nothing fresh.
        now >= self.checked_at && now.since(self.checked_at) <= KEPT
    }
}

impl Cache {
    /// What a token says whose signature was checked a moment ago, if that was by a key that is still known as it was then.
    pub(crate) fn get(&self, hash: &Hash, known: &Known, now: Timestamp) -> Option<Arc<Claims>> {
        let part = self.part(hash).lock().unwrap_or_else(PoisonError::into_inner);
        let entry = part.get(hash).filter(|entry| entry.is_fresh(now))?;
        let key = known.keys.get(entry.key.kid.as_str())?;
        Arc::ptr_eq(key, &entry.key).then(|| Arc::clone(&entry.claims))
    }

    /// Remembers that a token's signature by this key is good.
    pub(crate) fn put(&self, hash: Hash, key: Arc<VerifyingKey>, claims: Arc<Claims>, now: Timestamp) {
        let mut part = self.part(&hash).lock().unwrap_or_else(PoisonError::into_inner);
        if part.len() >= PART_MAX {
            part.retain(|_, entry| entry.is_fresh(now));
        }
        if part.len() >= PART_MAX {
            part.clear();
        }
        part.insert(hash, Entry { claims, key, checked_at: now });
    }

    fn part(&self, hash: &Hash) -> &Mutex<HashMap<Hash, Entry>> {
        &self.parts[usize::from(hash[0]) % PARTS]
    }
}
