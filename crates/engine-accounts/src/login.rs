//! Logins: who somebody is, by password and second factor, against the counters of failures.

use secrecy::{ExposeSecret, SecretString};
use store::{
    Tx,
    accounts::{
        attempts, recovery, setups,
        users::{self, MustChange, Proofs, User},
    },
};
use vocabulary::{Timestamp, ids::AccountName};

use crate::{
    Accounts, AccountsError, AccountsSettings, AuthError, HashedPassword, Peer, Refusal,
    lockout::{self, Familiarity, Subjects},
    passwords::Verdict,
    second_factor::Code,
};

/// Somebody who wants to be let in.
#[derive(Debug, Clone, Copy)]
pub struct Login<'a> {
    /// The name as it was given; letters count as they are written.
    pub username: &'a str,
    /// The password.
    pub password: &'a SecretString,
    /// The code of the authenticator, or a recovery code.
    pub code: Option<&'a str>,
    /// Where it comes from.
    pub peer: &'a Peer,
}

/// Somebody who was let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The account; tokens carry its `token_epoch`.
    pub user: User,
    /// Whether nothing but a change of the password should be allowed before it is changed: somebody else chose it, or it is too old.
    pub must_change_password: bool,
    /// What proved it besides the password.
    pub factor: Factor,
}

/// What proved an account besides its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// Nothing; the account has no second factor.
    None,
    /// A code of the authenticator.
    Totp,
    /// A recovery code, which is used up.
    Recovery,
}

/// A change of password whose old one was right and whose new one may be taken.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    user: User,
    old: Option<String>,
    new: HashedPassword,
}

/// A lock: of an account, of a place, or of an account at a place that it was used from before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The account; nothing where all of them are meant.
    pub username: Option<AccountName>,
    /// The place; nothing where all of them are meant that the account was not used from before.
    pub peer: Option<Peer>,
    /// Until when.
    pub until: Timestamp,
}

/// A login whose password was right.
struct Proven {
    user: User,
    proofs: Proofs,
    newer: Option<HashedPassword>,
    gate: Gate,
}

/// What a login is held against.
struct Gate {
    subjects: Subjects,
    familiarity: Familiarity,
}

/// A second factor that was right so far; it is used up with the success.
enum Spent {
    Nothing,
    Step(u64),
    Recovery([u8; 32]),
}

impl Accounts {
    /// Lets somebody in, or not. Every failure is counted, and who has failed too often is refused before the password is looked at.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn authenticate(&self, login: &Login<'_>) -> Result<Authenticated, AuthError> {
        let settings = self.settings();
        let proven = self.prove(login, &settings).await?;
        // A right password shows here or where the success is recorded, and nowhere while it is locked.
        self.still_open(&proven.gate).await?;
        let spent = match self.second_factor(&proven, login.code)? {
            Ok(spent) => spent,
            Err(reason) => return self.refuse(&proven.gate, &settings, reason).await,
        };
        let user = match self.let_in(&proven, &spent).await? {
            Ok(user) => user,
            Err(reason) => return self.refuse(&proven.gate, &settings, reason).await,
        };
        let must_change_password = user.must_change_password || is_too_old(&user, &settings, self.now());
        let factor = match spent {
            Spent::Nothing => Factor::None,
            Spent::Step(_) => Factor::Totp,
            Spent::Recovery(_) => Factor::Recovery,
        };
        Ok(Authenticated { user, must_change_password, factor })
    }

    /// Looks at a code of the second factor alone, for somebody who is logged in; failures count like those of logins.
    ///
    /// # Errors
    /// See [`AuthError`].
    pub async fn prove_second_factor(&self, username: &AccountName, code: &str, peer: &Peer) -> Result<(), AuthError> {
        let settings = self.settings();
        let gate = self.gate(Some(username), peer, &settings).await?;
        let (user, proofs) = match users::with_proofs(self.store(), username).await? {
            Some((user, proofs)) if user.enabled && user.has_second_factor => (user, proofs),
            Some(_) => return self.refuse(&gate, &settings, Refusal::WrongCode).await,
            None => return self.refuse(&gate, &settings, Refusal::UnknownUser).await,
        };
        let proven = Proven { user, proofs, newer: None, gate };
        let spent = match self.second_factor(&proven, Some(code))? {
            Ok(spent) => spent,
            Err(reason) => return self.refuse(&proven.gate, &settings, reason).await,
        };
        match self.let_in(&proven, &spent).await? {
            Ok(_) => Ok(()),
            Err(reason) => self.refuse(&proven.gate, &settings, reason).await,
        }
    }

    /// Until when no login to an account is let in from where it did not log in before, if it is so.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn locked_until(&self, username: &AccountName) -> Result<Option<Timestamp>, AccountsError> {
        let (subject, now) = (lockout::subject_of(username), self.now());
        let counters = attempts::read(self.store(), &[subject], now).await?;
        Ok(counters.first().and_then(|counter| lockout::locked_until(counter, now)))
    }

    /// The locks that hold a login to this account from this place up now, or those of the place alone.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn locks(&self, username: Option<&AccountName>, peer: &Peer) -> Result<Vec<Lock>, AccountsError> {
        let (subjects, now) = (Subjects::of(username, peer).all(), self.now());
        let counters = attempts::read(self.store(), &subjects, now).await?;
        let locks = subjects.iter().zip(&counters).filter_map(|(subject, counter)| {
            let until = lockout::locked_until(counter, now)?;
            let username = username.filter(|_| subject.kind != attempts::Kind::Peer).cloned();
            let peer = (subject.kind != attempts::Kind::User).then(|| peer.clone());
            Some(Lock { username, peer, until })
        });
        Ok(locks.collect())
    }

    /// Looks at a change of password: whether the old one is right, counted like a login, and the new one may be taken. The code is not
    /// asked for.
    ///
    /// # Errors
    /// See [`AuthError`]; or the policy does not let the new password through.
    pub async fn prepare_change(&self, login: &Login<'_>, new: &SecretString) -> Result<PasswordChange, AccountsError> {
        let settings = self.settings();
        let Proven { user, proofs, gate, .. } = self.prove(login, &settings).await?;
        self.still_open(&gate).await?;
        if login.password.expose_secret() == new.expose_secret() {
            return Err(AccountsError::Policy { complaints: vec!["it is the old one".to_owned()] });
        }
        let new = self.prepare_password(&user.username, new).await?;
        Ok(PasswordChange { user, old: proofs.password_hash, new })
    }

    /// Changes the password; all tokens of the account are void.
    ///
    /// # Errors
    /// The password or the account was changed after it was proven, or the database does not answer within the bounds.
    pub async fn change_password(&self, tx: &mut Tx, change: &PasswordChange) -> Result<(), AccountsError> {
        let id = &change.user.id;
        let (user, proofs) = users::lock(tx, id).await?;
        if !user.enabled || proofs.password_hash != change.old {
            return Err(AccountsError::Changed { user: user.username });
        }
        users::set_password(tx, id, Some(change.new.as_str()), MustChange::No, self.now()).await?;
        setups::clear(tx, &setups::Purpose::Password(id.clone())).await?;
        Ok(())
    }

    /// Looks at the counters and then at the password.
    async fn prove(&self, login: &Login<'_>, settings: &AccountsSettings) -> Result<Proven, AuthError> {
        let name = login.username.parse::<AccountName>().ok();
        let gate = self.gate(name.as_ref(), login.peer, settings).await?;
        let found = match &name {
            Some(name) => users::with_proofs(self.store(), name).await?,
            None => None,
        };
        let kept = found.as_ref().and_then(|(_, proofs)| proofs.password_hash.clone());
        let bcrypt_cost = users::bcrypt_cost_max(self.store()).await?;
        let verdict = self.hasher().verify(login.password.clone(), kept, bcrypt_cost, settings).await?;
        let reason = match (found, verdict) {
            (None, _) => Refusal::UnknownUser,
            (Some(_), Verdict::Nothing) => Refusal::NoPassword,
            (Some(_), Verdict::Wrong) => Refusal::WrongPassword,
            (Some((user, _)), Verdict::Right { .. }) if !user.enabled => Refusal::Disabled,
            (Some((user, proofs)), Verdict::Right { newer }) => return Ok(Proven { user, proofs, newer, gate }),
        };
        self.refuse(&gate, settings, reason).await
    }

    /// Reads the counters, and refuses who is locked.
    async fn gate(
        &self,
        name: Option<&AccountName>,
        peer: &Peer,
        settings: &AccountsSettings,
    ) -> Result<Gate, AuthError> {
        let (subjects, now) = (Subjects::of(name, peer), self.now());
        let all = subjects.all();
        let counters = attempts::read(self.store(), &all, now).await?;
        let of = |subject: &attempts::Subject| {
            all.iter().zip(&counters).find(|(one, _)| *one == subject).map(|(_, counter)| counter)
        };
        let known = subjects.known.as_ref().and_then(of);
        let familiarity = known.map_or(Familiarity::Foreign, |counter| Familiarity::of(counter, settings, now));
        let against = subjects.against(familiarity);
        let until = against.iter().filter_map(of).filter_map(|counter| lockout::locked_until(counter, now)).max();
        match until {
            Some(until) => Err(AuthError::Locked { until }),
            None => Ok(Gate { subjects, familiarity }),
        }
    }

    /// Counts a failure, and says no. Who began before a lock and ends after it hears of the lock, like one with the right password would:
    /// otherwise guesses at once would tell the right one by its answer.
    async fn refuse<T>(&self, gate: &Gate, settings: &AccountsSettings, reason: Refusal) -> Result<T, AuthError> {
        let (against, now) = (gate.subjects.against(gate.familiarity), self.now());
        let mut tx = self.store().begin().await?;
        let counters = attempts::lock(&mut tx, &against, now).await?;
        let until = counters.iter().filter_map(|counter| lockout::locked_until(counter, now)).max();
        for (subject, counter) in against.iter().zip(&counters) {
            let next = lockout::failed(counter, settings, now);
            attempts::put(&mut tx, subject, &next).await?;
            if next.lockouts > counter.lockouts {
                tracing::warn!(kind = subject.kind.as_str(), subject = %subject.name, "logins are locked after failures");
            }
        }
        tx.commit().await?;
        Err(until.map_or(AuthError::Refused { reason }, |until| AuthError::Locked { until }))
    }

    /// Refuses who was locked while the password was looked at.
    async fn still_open(&self, gate: &Gate) -> Result<(), AuthError> {
        let (against, now) = (gate.subjects.against(gate.familiarity), self.now());
        let counters = attempts::read(self.store(), &against, now).await?;
        let until = counters.iter().filter_map(|counter| lockout::locked_until(counter, now)).max();
        until.map_or(Ok(()), |until| Err(AuthError::Locked { until }))
    }

    /// Looks at the code, where one is needed.
    fn second_factor(&self, proven: &Proven, code: Option<&str>) -> Result<Result<Spent, Refusal>, AuthError> {
        let sealed = proven.proofs.totp_secret.as_ref().filter(|_| proven.user.has_second_factor);
        let Some(sealed) = sealed else { return Ok(Ok(Spent::Nothing)) };
        match Code::read(code.ok_or(AuthError::CodeRequired)?) {
            Code::Recovery(digest) => Ok(Ok(Spent::Recovery(digest))),
            Code::Totp(code) => {
                let step = self.totp_step(&proven.user.id, sealed, &code, self.now()).map_err(|error| match error {
                    AccountsError::Vault(error) => AuthError::Vault(error),
                    other => AuthError::Defect(other.to_string()),
                })?;
                Ok(step.map(Spent::Step).ok_or(Refusal::WrongCode))
            }
        }
    }

    /// Records the success, unless the account changed or was locked while the password was looked at: of any number of guesses at once
    /// no more count than one after the other.
    async fn let_in(&self, proven: &Proven, spent: &Spent) -> Result<Result<User, Refusal>, AuthError> {
        let (id, now) = (&proven.user.id, self.now());
        let mut tx = self.store().begin().await?;
        let (user, proofs) = users::lock(&mut tx, id).await?;
        if !user.enabled || proofs.password_hash != proven.proofs.password_hash {
            tx.rollback().await?;
            return Ok(Err(Refusal::Changed));
        }
        self.clear(&mut tx, &proven.gate, now).await?;
        let is_good = match spent {
            Spent::Nothing => !user.has_second_factor,
            Spent::Step(step) => users::use_totp_step(&mut tx, id, *step).await?,
            Spent::Recovery(digest) => recovery::take(&mut tx, id, digest).await?,
        };
        if !is_good {
            // The counters are locked anew to count this as a failure.
            tx.rollback().await?;
            return Ok(Err(match spent {
                Spent::Nothing => Refusal::Changed,
                Spent::Step(_) => Refusal::ReplayedCode,
                Spent::Recovery(_) => Refusal::WrongCode,
            }));
        }
        if let (Some(old), Some(newer)) = (&proofs.password_hash, &proven.newer) {
            users::replace_hash(&mut tx, id, old, newer.as_str()).await?;
        }
        tx.commit().await?;
        Ok(Ok(user))
    }

    /// Clears the counters that the login was held against, but for that of the place, which is known from now on.
    async fn clear(&self, tx: &mut Tx, gate: &Gate, now: Timestamp) -> Result<(), AuthError> {
        let all = gate.subjects.all();
        let counters = attempts::lock(tx, &all, now).await?;
        let against = gate.subjects.against(gate.familiarity);
        let held = all.iter().zip(&counters).filter(|(subject, _)| against.contains(subject));
        if let Some(until) = held.filter_map(|(_, counter)| lockout::locked_until(counter, now)).max() {
            return Err(AuthError::Locked { until });
        }
        if let Some(known) = &gate.subjects.known {
            attempts::put(tx, known, &lockout::succeeded(now)).await?;
        }
        match (&gate.subjects.user, gate.familiarity) {
            (Some(user), Familiarity::Foreign) => attempts::put(tx, user, &lockout::succeeded(now)).await?,
            (Some(_), Familiarity::Known) | (None, _) => {}
        }
        Ok(())
    }
}

fn is_too_old(user: &User, settings: &AccountsSettings, now: Timestamp) -> bool {
    let Some(limit) = settings.password_age_max() else { return false };
    !user.is_service && user.password_changed_at.is_some_and(|at| now.since(at) > limit)
}
