//! The vault: seals what rows must not show, under master keys that are not in the database.
//!
//! A sealed text is `v1|<key>|<nonce>|<ciphertext>` with AES-256-GCM (NIST SP 800-38D), the last two in unpadded base64url. Its place
//! (table, column and row) is authenticated with it, so that a sealed text that was moved to another row does not open there.

use std::{
    fmt, fs,
    io::{ErrorKind, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

/// The bytes of a master key.
const KEY_BYTES: usize = 32;
/// What a sealed text begins with.
const VERSION: &str = "v1";

/// A key that seals others' secrets.
#[derive(Clone)]
pub struct MasterKey {
    /// The beginning of its digest, by which a sealed text names it.
    id: String,
    bytes: [u8; KEY_BYTES],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a master key can't be had, or a text not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file can't be read or written.
    #[error("master key file {} can't be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others could read it.
    #[error("master key file {} can be read by others (mode {mode:o}); make it private: chmod 600 {}", path.display(), path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is no key.
    #[error("master key is not 32 bytes in base64 or hexadecimal; make one with: openssl rand -base64 32")]
    NoKey,
    /// No key was given that sealed this.
    #[error("{place} was sealed with master key {key}, which was not given")]
    OtherKey {
        /// Table, column and row.
        place: String,
        /// The id of the key.
        key: String,
    },
    /// It was changed, or belongs elsewhere.
    #[error("{place} can't be opened: it was changed, or moved here from another row")]
    Broken {
        /// Table, column and row.
        place: String,
    },
    /// The system's random numbers failed.
    #[error("a nonce can't be made: the system gives no random numbers")]
    NoRandomness,
}

impl From<VaultError> for vocabulary::Fault {
    fn from(error: VaultError) -> Self {
        Self::internal(error.to_string()).hint("see that the master key is the one that this database was sealed with")
    }
}

impl MasterKey {
    /// A fresh key.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn fresh() -> Result<Self, VaultError> {
        let mut bytes = [0; KEY_BYTES];
        rand::fill(&mut bytes).map_err(|_| VaultError::NoRandomness)?;
        Ok(Self::of(bytes))
    }

    /// A key from its text in base64 or hexadecimal, as environment variables and key rings hold it.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, VaultError> {
        let text = text.trim();
        let bytes = hexadecimal(text).or_else(|| {
            let plain = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
            URL_SAFE_NO_PAD.decode(plain).ok()
        });
        let bytes: Option<[u8; KEY_BYTES]> = bytes.and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self::of).ok_or(VaultError::NoKey)
    }

    /// Reads a key from a file, refused if others can read it.
    ///
    /// # Errors
    /// It can't be read, is open to others, or holds no key.
    pub fn read(path: &Path) -> Result<Self, VaultError> {
        let io = |source| VaultError::Io { path: path.to_owned(), source };
        let mode = fs::metadata(path).map_err(io)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(VaultError::Open { path: path.to_owned(), mode });
        }
        Self::parse(&fs::read_to_string(path).map_err(io)?)
    }

    /// Reads a key from a file, or makes one there with mode 0600.
    ///
    /// # Errors
    /// As [`Self::read`], or it can't be written.
    pub fn read_or_make(path: &Path) -> Result<Self, VaultError> {
        let io = |source| VaultError::Io { path: path.to_owned(), source };
        let fresh = Self::fresh()?;
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                let text = format!("{}\n", URL_SAFE_NO_PAD.encode(fresh.bytes));
                file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
                Ok(fresh)
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::read(path),
            Err(error) => Err(io(error)),
        }
    }

    /// What sealed texts name it by.
    pub fn id(&self) -> &str {
        &self.id
    }

    fn of(bytes: [u8; KEY_BYTES]) -> Self {
        let digest = Sha256::new().chain_update(b"bigskies master key").chain_update(bytes).finalize();
        let id = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        Self { id, bytes }
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let is_hexadecimal = text.len() == 2 * KEY_BYTES && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let pairs = is_hexadecimal.then(|| text.as_bytes().chunks(2))?;
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

/// Seals and opens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault(Arc<Keys>);

struct Keys {
    sealing: Key,
    others: Vec<Key>,
}

struct Key {
    id: String,
    cipher: RandomizedNonceKey,
    opening: aws_lc_rs::aead::LessSafeKey,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("sealing", &self.sealing.id).finish_non_exhaustive()
    }
}

impl Vault {
    /// Seals with one key, and opens what that one or one of the former sealed.
    ///
    /// # Errors
    /// A key is refused by the cipher, which none of the right length is.
    pub fn new(key: &MasterKey, former: &[MasterKey]) -> Result<Self, VaultError> {
        let others = former.iter().map(Key::new).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Keys { sealing: Key::new(key)?, others })))
    }

    /// Seals a secret for its place, `table|column|row`.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn seal(&self, place: &str, secret: &[u8]) -> Result<String, VaultError> {
        let key = &self.0.sealing;
        let mut text = secret.to_vec();
        let nonce = key.cipher.seal_in_place_append_tag(Aad::from(place.as_bytes()), &mut text);
        let nonce = nonce.map_err(|_| VaultError::NoRandomness)?;
        let (nonce, text) = (URL_SAFE_NO_PAD.encode(nonce.as_ref()), URL_SAFE_NO_PAD.encode(&text));
        Ok(format!("{VERSION}|{}|{nonce}|{text}", key.id))
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// It was sealed with a key that was not given, was changed, or belongs elsewhere.
    pub fn open(&self, place: &str, sealed: &str) -> Result<Vec<u8>, VaultError> {
        let broken = || VaultError::Broken { place: place.to_owned() };
        let parts: Vec<&str> = sealed.split('|').collect();
        let &[VERSION, id, nonce, text] = parts.as_slice() else { return Err(broken()) };
        let keys = std::iter::once(&self.0.sealing).chain(&self.0.others);
        let key = keys.into_iter().find(|key| key.id == id);
        let key = key.ok_or_else(|| VaultError::OtherKey { place: place.to_owned(), key: id.to_owned() })?;
        let nonce = URL_SAFE_NO_PAD.decode(nonce).ok().and_then(|nonce| <[u8; NONCE_LEN]>::try_from(nonce).ok());
        let nonce = Nonce::assume_unique_for_key(nonce.ok_or_else(broken)?);
        let mut text = URL_SAFE_NO_PAD.decode(text).map_err(|_| broken())?;
        let secret = key.opening.open_in_place(nonce, Aad::from(place.as_bytes()), &mut text);
        Ok(secret.map_err(|_| broken())?.to_vec())
    }

    /// Whether it was sealed with a former key and should be sealed anew.
    pub fn is_outdated(&self, sealed: &str) -> bool {
        sealed.split('|').nth(1) != Some(self.0.sealing.id.as_str())
    }
}

impl Key {
    fn new(key: &MasterKey) -> Result<Self, VaultError> {
        let unbound = aws_lc_rs::aead::UnboundKey::new(&AES_256_GCM, &key.bytes).map_err(|_| VaultError::NoKey)?;
        let cipher = RandomizedNonceKey::new(&AES_256_GCM, &key.bytes).map_err(|_| VaultError::NoKey)?;
        Ok(Self { id: key.id.clone(), cipher, opening: aws_lc_rs::aead::LessSafeKey::new(unbound) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> (MasterKey, Vault) {
        let key = MasterKey::fresh().unwrap();
        let vault = Vault::new(&key, &[]).unwrap();
        (key, vault)
    }

    #[test]
    fn opens_in_its_own_place_alone() {
        let (_, vault) = vault();
        let sealed = vault.seal("tls|key|1", b"secret").unwrap();
        assert_eq!(vault.open("tls|key|1", &sealed).unwrap(), b"secret");
        assert_ne!(vault.seal("tls|key|1", b"secret").unwrap(), sealed, "nonces are fresh");
        let flipped = |at: usize| {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        for (what, place, sealed) in [
            ("another row", "tls|key|2", sealed.clone()),
            ("a changed byte", "tls|key|1", flipped(sealed.len() - 3)),
            ("a changed nonce", "tls|key|1", flipped(13)),
            ("another version", "tls|key|1", sealed.replace("v1", "v2")),
            ("plain text", "tls|key|1", "secret".to_owned()),
            ("nothing", "tls|key|1", String::new()),
        ] {
            assert!(matches!(vault.open(place, &sealed), Err(VaultError::Broken { .. })), "{what}");
        }
    }

    #[test]
    fn a_new_key_opens_what_the_former_sealed() {
        let (former, old) = vault();
        let sealed = old.seal("p", b"s").unwrap();
        let fresh = MasterKey::fresh().unwrap();
        let (alone, both) = (Vault::new(&fresh, &[]).unwrap(), Vault::new(&fresh, &[former]).unwrap());
        assert!(matches!(alone.open("p", &sealed), Err(VaultError::OtherKey { .. })));
        assert_eq!(both.open("p", &sealed).unwrap(), b"s");
        assert!(both.is_outdated(&sealed) && !both.is_outdated(&both.seal("p", b"s").unwrap()));
    }

    #[test]
    fn keys_are_read_in_their_spellings() {
        let hexadecimal = "00ff".repeat(16);
        let key = MasterKey::parse(&hexadecimal).unwrap();
        let bytes: Vec<u8> = [0x00, 0xff].repeat(16);
        for text in [URL_SAFE_NO_PAD.encode(&bytes), base64::engine::general_purpose::STANDARD.encode(&bytes) + "\n"] {
            assert_eq!(MasterKey::parse(&text).unwrap().id(), key.id(), "{text}");
        }
        for text in ["", "short", &"0".repeat(63), &"g".repeat(64), &"A".repeat(100)] {
            assert!(matches!(MasterKey::parse(text), Err(VaultError::NoKey)), "{text}");
        }
        assert!(!format!("{key:?}").contains("255"));
    }

    #[test]
    fn a_key_file_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = MasterKey::read_or_make(&path).unwrap();
        assert_eq!(MasterKey::read_or_make(&path).unwrap().id(), made.id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::read(&path), Err(VaultError::Open { mode: 0o640, .. })));
        assert!(matches!(MasterKey::read(&folder.path().join("none")), Err(VaultError::Io { .. })));
    }
}
