//! Passwords: which are taken, how they are hashed (Argon2id, RFC 9106) and how old forms (bcrypt) are verified and replaced.

use std::{
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version, password_hash::SaltString,
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use vocabulary::ids::AccountName;

use crate::{AccountsError, AccountsSettings, AuthError, guessing::is_guessed_soon, secrets::random};

/// No password has more bytes; hashing a longer one would cost whoever hashes it, not whoever sends it.
const BYTES_MAX: usize = 1024;
/// bcrypt does not look at bytes behind these.
const BCRYPT_BYTES_MAX: usize = 72;
/// A hash of a higher cost came from elsewhere and would take minutes.
const BCRYPT_COST_MAX: u32 = 14;
/// Up to this cost everybody's login takes as long as the dearest one; more would make each of them take a second and longer.
const BCRYPT_COST_SHARED_MAX: u32 = 12;
/// The highest cost of Argon2id that is taken from elsewhere: memory in KiB, and passes.
const ARGON2_COST_MAX: (u32, u32) = (1_048_576, 64);
/// Of so many characters a password may be one that is guessed soon.
const LENGTH_GUESSED_MAX: usize = 100;
/// How many may wait for their password to be looked at.
const QUEUE_LENGTH_MAX: usize = 256;
/// How long one waits for that.
const PATIENCE: Duration = Duration::from_secs(5);

/// A password that may be kept: hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct HashedPassword(String);

impl std::fmt::Debug for HashedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashedPassword(***)")
    }
}

impl HashedPassword {
    /// A hash that was made elsewhere: Argon2id, or bcrypt, which is replaced at the first login.
    ///
    /// # Errors
    /// It is neither, or so costly that a login would take minutes.
    pub fn import(text: &str) -> Result<Self, AccountsError> {
        let bearable = match Kind::of(text) {
            Kind::Bcrypt { cost } => (4..=BCRYPT_COST_MAX).contains(&cost),
            Kind::Argon2(params) => params.m_cost() <= ARGON2_COST_MAX.0 && params.t_cost() <= ARGON2_COST_MAX.1,
            Kind::Unknown => false,
        };
        if bearable { Ok(Self(text.to_owned())) } else { Err(AccountsError::NoHash) }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a password was hashed.
#[derive(Debug)]
enum Kind {
    Bcrypt { cost: u32 },
    Argon2(Params),
    Unknown,
}

impl Kind {
    fn of(hash: &str) -> Self {
        let is_bcrypt = ["$2a$", "$2b$", "$2y$"].iter().any(|version| hash.starts_with(version));
        if is_bcrypt {
            let cost = hash.split('$').nth(2).and_then(|cost| cost.parse().ok()).filter(|_| hash.len() == 60);
            return cost.map_or(Self::Unknown, |cost| Self::Bcrypt { cost });
        }
        let parsed = PasswordHash::new(hash).ok().filter(|hash| hash.algorithm == Algorithm::Argon2id.ident());
        parsed.and_then(|hash| Params::try_from(&hash).ok()).map_or(Self::Unknown, Self::Argon2)
    }
}

/// What a look at a password found.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// There is no password to compare with; as much time was spent.
    Nothing,
    /// It is another one.
    Wrong,
    /// It is the one; in a newer form if the kept one is outdated.
    Right { newer: Option<HashedPassword> },
}

/// Hashes passwords, few at a time, on threads that may block.
#[derive(Debug)]
pub(crate) struct Hasher {
    working: Arc<Semaphore>,
    queue: Semaphore,
    /// What a password is compared with where there is no account, so that the answer takes as long.
    dummy: ArcSwap<HashedPassword>,
    done: Arc<Done>,
}

/// What was spent on looking at passwords.
#[derive(Debug, Default)]
struct Done {
    /// Hashes by Argon2id.
    argon2: AtomicU64,
    /// Rounds of bcrypt.
    bcrypt_rounds: AtomicU64,
}

/// More passwords wait than can be looked at, or a thread failed.
#[derive(Debug)]
pub(crate) enum HashingError {
    Busy,
    Defect(String),
}

impl From<HashingError> for AuthError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::Busy,
            HashingError::Defect(reason) => Self::Defect(reason),
        }
    }
}

impl From<HashingError> for AccountsError {
    fn from(error: HashingError) -> Self {
        match error {
            HashingError::Busy => Self::Busy,
            HashingError::Defect(reason) => Self::Defect(reason),
        }
    }
}

impl Hasher {
    pub(crate) async fn start(settings: &AccountsSettings) -> Result<Self, HashingError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let hasher = Self {
            working: Arc::new(Semaphore::new(2 * cores)),
            queue: Semaphore::new(QUEUE_LENGTH_MAX),
            dummy: ArcSwap::from_pointee(HashedPassword(String::new())),
            done: Arc::default(),
        };
        hasher.renew(settings).await?;
        Ok(hasher)
    }

    /// Hashes at another cost from now on, unknown accounts' passwords included.
    pub(crate) async fn renew(&self, settings: &AccountsSettings) -> Result<(), HashingError> {
        let nobody = random::<24>().map_err(HashingError::Defect)?;
        let nobody: String = nobody.iter().map(|byte| format!("{byte:02x}")).collect();
        let dummy = self.hash(nobody.into(), settings).await?;
        self.dummy.store(Arc::new(dummy));
        Ok(())
    }

    pub(crate) async fn hash(
        &self,
        password: SecretString,
        settings: &AccountsSettings,
    ) -> Result<HashedPassword, HashingError> {
        let argon2 = argon2(settings)?;
        self.run(move || hash(&argon2, password.expose_secret())).await?.map_err(HashingError::Defect)
    }

    /// Compares a password with a kept one; without one it takes as long. `bcrypt_cost` is the highest of those that anybody's is kept
    /// with.
    pub(crate) async fn verify(
        &self,
        password: SecretString,
        kept: Option<String>,
        bcrypt_cost: Option<u32>,
        settings: &AccountsSettings,
    ) -> Result<Verdict, HashingError> {
        let argon2 = argon2(settings)?;
        let (dummy, done) = (self.dummy.load_full(), self.done.clone());
        let compare = move || {
            let comparer = Comparer { argon2: &argon2, dummy: dummy.as_str(), bcrypt_cost, done: &done };
            comparer.verify(password.expose_secret(), kept.as_deref())
        };
        self.run(compare).await
    }

    /// How many passwords were hashed to be compared.
    pub(crate) fn comparisons(&self) -> u64 {
        self.done.argon2.load(Ordering::Relaxed)
    }

    /// How many rounds of bcrypt that took besides.
    pub(crate) fn bcrypt_rounds(&self) -> u64 {
        self.done.bcrypt_rounds.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashingError> {
        let _place = self.queue.try_acquire().map_err(|_| HashingError::Busy)?;
        let turn = timeout(PATIENCE, self.working.clone().acquire_owned()).await.map_err(|_| HashingError::Busy)?;
        let turn = turn.map_err(|e| HashingError::Defect(e.to_string()))?;
        // Who stops waiting does not stop the thread, so the thread holds the turn.
        let working = spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        working.await.map_err(|e| HashingError::Defect(e.to_string()))
    }
}

fn argon2(settings: &AccountsSettings) -> Result<Argon2<'static>, HashingError> {
    let (memory, passes, lanes) = (settings.argon2_memory_kibibytes, settings.argon2_passes, settings.argon2_lanes);
    let params = Params::new(memory, passes, lanes, None).map_err(|e| HashingError::Defect(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(argon2: &Argon2<'_>, password: &str) -> Result<HashedPassword, String> {
    let salt = SaltString::encode_b64(&random::<16>()?).map_err(|e| e.to_string())?;
    let hash = argon2.hash_password(password.as_bytes(), &salt).map_err(|e| e.to_string())?;
    Ok(HashedPassword(hash.to_string()))
}

/// Compares one password, at the same cost whatever there is to compare it with: one hash by Argon2id, and one by bcrypt as long as
/// anybody's password is kept in that form. What still takes its own time is an Argon2id hash of another cost than is made now, until its
/// owner's next login replaces it.
struct Comparer<'a> {
    argon2: &'a Argon2<'static>,
    dummy: &'a str,
    /// The highest cost of bcrypt that anybody's password is kept with.
    bcrypt_cost: Option<u32>,
    done: &'a Done,
}

impl Comparer<'_> {
    fn verify(&self, password: &str, kept: Option<&str>) -> Verdict {
        match kept.map(|kept| (kept, Kind::of(kept))) {
            Some((kept, Kind::Argon2(params))) if password.len() <= BYTES_MAX => {
                self.spend_bcrypt(password, None);
                let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
                let is_outdated = cost(&params) != cost(self.argon2.params());
                match (self.is_argon2_of(password, kept), is_outdated) {
                    (false, _) => Verdict::Wrong,
                    (true, false) => Verdict::Right { newer: None },
                    (true, true) => Verdict::Right { newer: hash(self.argon2, password).ok() },
                }
            }
            Some((kept, Kind::Bcrypt { cost })) if password.len() <= BCRYPT_BYTES_MAX && cost <= BCRYPT_COST_MAX => {
                // The newer form is made in any case: it takes the place of the comparison by Argon2id of all others.
                self.done.argon2.fetch_add(1, Ordering::Relaxed);
                let newer = black_box(hash(self.argon2, password).ok());
                let is_right = self.is_bcrypt_of(password, kept, cost);
                self.spend_bcrypt(password, Some(cost));
                if is_right { Verdict::Right { newer } } else { Verdict::Wrong }
            }
            other => {
                let within = password.get(..password.floor_char_boundary(BYTES_MAX)).unwrap_or_default();
                let _same_time = black_box(self.is_argon2_of(within, self.dummy));
                self.spend_bcrypt(within, None);
                if other.is_some() { Verdict::Wrong } else { Verdict::Nothing }
            }
        }
    }

    fn is_argon2_of(&self, password: &str, kept: &str) -> bool {
        self.done.argon2.fetch_add(1, Ordering::Relaxed);
        PasswordHash::new(kept).is_ok_and(|kept| self.argon2.verify_password(password.as_bytes(), &kept).is_ok())
    }

    fn is_bcrypt_of(&self, password: &str, kept: &str, cost: u32) -> bool {
        self.done.bcrypt_rounds.fetch_add(1 << cost, Ordering::Relaxed);
        bcrypt::verify(password, kept).unwrap_or(false)
    }

    /// Spends what is left of the highest cost after a comparison at the cost `spent`, or all of it: 2^c rounds, and then 2^c, 2^(c+1), …
    /// are as many as those of the highest cost.
    fn spend_bcrypt(&self, password: &str, spent: Option<u32>) {
        let Some(highest) = self.bcrypt_cost.map(|cost| cost.min(BCRYPT_COST_SHARED_MAX)) else { return };
        let password = password.get(..password.floor_char_boundary(BCRYPT_BYTES_MAX)).unwrap_or_default();
        let costs = spent.map_or(highest..highest + 1, |spent| spent..highest);
        for cost in costs {
            self.done.bcrypt_rounds.fetch_add(1 << cost, Ordering::Relaxed);
            let _same_time = black_box(bcrypt::hash_with_salt(password, cost, [0; 16]).is_ok());
        }
    }
}

/// Whether a password may be taken for an account: NIST SP 800-63B §5.1.1.2, with kinds of character only where a setting asks for them.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn check_policy(
    settings: &AccountsSettings,
    username: &AccountName,
    password: &SecretString,
) -> Result<(), AccountsError> {
    let password = password.expose_secret();
    let mut complaints = Vec::new();
    let length = password.chars().count();
    if length < usize::try_from(settings.password_length_min).unwrap_or(usize::MAX) {
        complaints.push(format!("it has {length} of at least {} characters", settings.password_length_min));
    }
    if password.len() > BYTES_MAX {
        complaints.push(format!("it has {} of at most {BYTES_MAX} bytes", password.len()));
    }
    let folded = password.to_lowercase();
    if !folded.is_empty() && folded.trim() == username.as_str().to_lowercase() {
        complaints.push("it is the user name".to_owned());
    }
    let names: Vec<&str> = username.as_str().split(|c: char| !c.is_alphanumeric()).chain([username.as_str()]).collect();
    // Longer than that none is among those that are tried first, and looking would take its time.
    if (1..=LENGTH_GUESSED_MAX).contains(&length) && is_guessed_soon(password, &names) {
        complaints.push("it is guessed soon: take several words, or more characters without a pattern".to_owned());
    }
    let classes = classes(password);
    if classes < settings.password_classes_min {
        let wanted = settings.password_classes_min;
        complaints.push(format!("it has {classes} of at least {wanted} kinds of character (a-z, A-Z, 0-9, others)"));
    }
    if complaints.is_empty() { Ok(()) } else { Err(AccountsError::Policy { complaints }) }
}

fn classes(password: &str) -> u32 {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_lowercase(),
        |c| c.is_uppercase(),
        |c| c.is_numeric(),
        |c| !c.is_lowercase() && !c.is_uppercase() && !c.is_numeric(),
    ];
    kinds.into_iter().map(|kind| u32::from(password.chars().any(kind))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> AccountsSettings {
        AccountsSettings { argon2_memory_kibibytes: 64, argon2_passes: 1, ..AccountsSettings::default() }
    }

    #[test]
    fn policy() {
        let strict = AccountsSettings { password_classes_min: 3, password_length_min: 12, ..cheap() };
        let long = "é".repeat(512);
        let too_long = format!("{long}a");
        for (settings, password, part) in [
            (&cheap(), "seven77", Some("7 of at least 8 characters")),
            (&cheap(), "", Some("0 of at least 8")),
            (&cheap(), "eight 888,", None),
            (&cheap(), "eight888", Some("guessed soon")),
            (&cheap(), "ümläute!", None),
            (&cheap(), "ada.lovelace", Some("user name")),
            (&cheap(), "Ada.LoveLace", Some("user name")),
            (&cheap(), "ada.lovelace1", Some("guessed soon")),
            (&cheap(), "Password123", Some("guessed soon")),
            (&cheap(), "a long phrase with blanks, which is more than sixty-four characters", None),
            (&cheap(), &long.replacen('é', "ab", 1), None),
            (&cheap(), &too_long, Some("1025 of at most 1024 bytes")),
            (&strict, "onlylowercase", Some("1 of at least 3 kinds")),
            (&strict, "Lower and 1 digit", None),
            (&strict, "Short 1", Some("7 of at least 12")),
        ] {
            let outcome = check_policy(settings, &"ada.lovelace".parse().unwrap(), &password.into());
            match part {
                None => assert!(outcome.is_ok(), "{password}: {outcome:?}"),
                Some(part) => assert!(outcome.unwrap_err().to_string().contains(part), "{password}"),
            }
        }
    }

    #[test]
    fn verdicts() {
        let settings = cheap();
        let ours = argon2(&settings).unwrap();
        let others = argon2(&AccountsSettings { argon2_passes: 2, ..cheap() }).unwrap();
        let dummy = hash(&ours, "nobody's").unwrap();
        let kept = hash(&ours, "right one").unwrap();
        let older = hash(&others, "right one").unwrap();
        let bcrypt_a = bcrypt::hash("right one", 4).unwrap().replacen("$2b$", "$2a$", 1);
        let bcrypt_72 = bcrypt::hash("x".repeat(72), 4).unwrap();
        let long = "y".repeat(5000);
        for (what, password, kept, expected) in [
            ("right", "right one", Some(kept.as_str()), "right"),
            ("wrong", "wrong one", Some(kept.as_str()), "wrong"),
            ("empty", "", Some(kept.as_str()), "wrong"),
            ("too long", &long, Some(kept.as_str()), "wrong"),
            ("another cost", "right one", Some(older.as_str()), "newer"),
            ("wrong at another cost", "wrong one", Some(older.as_str()), "wrong"),
            ("bcrypt", "right one", Some(&bcrypt_a), "newer"),
            ("wrong for bcrypt", "wrong one", Some(&bcrypt_a), "wrong"),
            ("72 bytes for bcrypt", &"x".repeat(72), Some(&bcrypt_72), "newer"),
            ("73 bytes for bcrypt", &"x".repeat(73), Some(&bcrypt_72), "wrong"),
            ("a bcrypt that would take hours", "right one", Some(&bcrypt_a.replacen("$04$", "$31$", 1)), "wrong"),
            ("no hash at all", "right one", Some("right one"), "wrong"),
            ("nothing to compare with", "right one", None, "nothing"),
            ("the dummy's own", "nobody's", None, "nothing"),
        ] {
            let done = Done::default();
            let comparer = Comparer { argon2: &ours, dummy: dummy.as_str(), bcrypt_cost: Some(6), done: &done };
            let verdict = comparer.verify(password, kept);
            let spent = (done.argon2.load(Ordering::Relaxed), done.bcrypt_rounds.load(Ordering::Relaxed));
            assert_eq!(spent, (1, 1 << 6), "{what}");
            let found = match verdict {
                Verdict::Nothing => "nothing",
                Verdict::Wrong => "wrong",
                Verdict::Right { newer: None } => "right",
                Verdict::Right { newer: Some(newer) } => {
                    assert!(comparer.is_argon2_of(password, newer.as_str()), "{what}");
                    "newer"
                }
            };
            assert_eq!(found, expected, "{what}");
        }
    }

    #[test]
    fn what_bcrypt_costs_everybody() {
        let ours = argon2(&cheap()).unwrap();
        let (nobody, cheaper, dearer) =
            (hash(&ours, "nobody's").unwrap(), bcrypt::hash("one", 4).unwrap(), bcrypt::hash("one", 7).unwrap());
        for (what, bcrypt_cost, kept, rounds) in [
            ("nobody has one", None, None, 0),
            ("others have", Some(7), None, 1 << 7),
            ("others have a dearer one", Some(7), Some(cheaper.as_str()), 1 << 7),
            ("the dearest", Some(7), Some(&dearer), 1 << 7),
            ("one that was kept a moment ago", None, Some(&cheaper), 1 << 4),
            ("one dearer than was known a moment ago", Some(5), Some(&dearer), 1 << 7),
        ] {
            let done = Done::default();
            let comparer = Comparer { argon2: &ours, dummy: nobody.as_str(), bcrypt_cost, done: &done };
            comparer.verify("another", kept);
            let spent = (done.argon2.load(Ordering::Relaxed), done.bcrypt_rounds.load(Ordering::Relaxed));
            assert_eq!(spent, (1, rounds), "{what}");
        }
    }

    #[test]
    fn hashes_from_elsewhere() {
        for (text, taken) in [
            ("$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", true),
            ("$2a$31$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy", false),
            ("$2a$10$short", false),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$VGhpcyBpcyBub3QgYSByZWFsIGhhc2ggYnV0IGl0J3M", true),
            ("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$VGhpcyBpcyBub3QgYSByZWFsIGhhc2ggYnV0IGl0J3M", false),
            (
                "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$VGhpcyBpcyBub3QgYSByZWFsIGhhc2ggYnV0IGl0J3M",
                false,
            ),
            ("plain text", false),
            ("", false),
        ] {
            assert_eq!(HashedPassword::import(text).is_ok(), taken, "{text}");
        }
    }
}
