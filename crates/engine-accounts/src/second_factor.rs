//! The second factor: codes of an authenticator (TOTP, RFC 6238), each good once, and recovery codes for when it is lost.

use secrecy::{ExposeSecret, SecretString};
use store::{
    Tx,
    accounts::{recovery, users},
};
use totp_rs::{Builder, Secret, Totp};
use vocabulary::{Timestamp, ids::UserId};

use crate::{
    Accounts, AccountsError,
    secrets::{canonical, code, digest, random},
};

/// How many recovery codes an account gets.
const RECOVERY_CODES: usize = 10;
/// Who the authenticator shows the code for.
const ISSUER: &str = "BIG%20SKIES";
/// The length of a code (RFC 4226 §5.3).
const DIGITS: usize = 6;

/// A second factor that waits to be confirmed.
#[derive(Debug)]
pub struct Enrolment {
    /// The secret, to be typed into an authenticator, in base 32.
    pub secret: SecretString,
    /// The same as a URL, to be shown as a QR code.
    pub url: SecretString,
}

/// Codes that stand for the second factor, once each. They are shown now and never again.
#[derive(Debug)]
pub struct RecoveryCodes(pub Vec<SecretString>);

/// A code as somebody typed it.
pub(crate) enum Code {
    /// Of the authenticator.
    Totp(String),
    /// One of the recovery codes, by its digest.
    Recovery([u8; 32]),
}

impl Code {
    pub(crate) fn read(typed: &str) -> Self {
        let plain: String = typed.chars().filter(|c| !c.is_whitespace()).take(64).collect();
        let is_totp = plain.len() == DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit());
        if is_totp { Self::Totp(plain) } else { Self::Recovery(digest(&canonical(&plain))) }
    }
}

/// Where the sealed secret of an account stands.
fn place(id: &UserId) -> String {
    format!("users|totp_secret|{id}")
}

fn totp(secret: &[u8]) -> Result<Totp, String> {
    // One step before and after: the clocks of hands and servers differ by seconds, not minutes (RFC 6238 §5.2).
    Builder::new().with_secret(Secret::from(secret)).with_skew(1).build().map_err(|e| e.to_string())
}

impl Accounts {
    /// The step that a code belongs to, if it is one of the last, this or the next half minute's.
    pub(crate) fn totp_step(
        &self,
        id: &UserId,
        sealed: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<u64>, AccountsError> {
        let secret = self.vault().open(&place(id), sealed)?;
        let totp = totp(&secret).map_err(AccountsError::Defect)?;
        let seconds = u64::try_from(now.instant().unix_timestamp()).unwrap_or_default();
        Ok(totp.check(code, seconds))
    }

    /// Makes a second factor for an account. It is asked for once a code of it was given ([`Accounts::confirm_second_factor`]); until
    /// then another one may take its place.
    ///
    /// # Errors
    /// The account does not exist or has one that is asked for, or the database does not answer within the bounds.
    pub async fn enrol_second_factor(&self, tx: &mut Tx, id: &UserId) -> Result<Enrolment, AccountsError> {
        let (user, _) = users::lock(tx, id).await?;
        if user.has_second_factor {
            return Err(AccountsError::AlreadyEnrolled { user: user.username });
        }
        let bytes = random::<20>().map_err(AccountsError::Defect)?;
        let sealed = self.vault().seal(&place(id), &bytes)?;
        users::set_totp(tx, id, Some(&sealed), self.now()).await?;
        let secret = Secret::from(&bytes[..]).to_base32();
        let url = format!("otpauth://totp/{ISSUER}:{}?secret={secret}&issuer={ISSUER}", user.username);
        Ok(Enrolment { secret: secret.into(), url: url.into() })
    }

    /// Asks for the second factor from now on, given a code that shows that the authenticator has it. Tokens that were issued without it
    /// are void.
    ///
    /// # Errors
    /// The code is another one, there is nothing to confirm, or the database does not answer within the bounds.
    pub async fn confirm_second_factor(
        &self,
        tx: &mut Tx,
        id: &UserId,
        code: &str,
    ) -> Result<RecoveryCodes, AccountsError> {
        let (user, proofs) = users::lock(tx, id).await?;
        let waiting = proofs.totp_secret.filter(|_| !user.has_second_factor);
        let sealed = waiting.ok_or_else(|| AccountsError::NotEnrolled { user: user.username.clone() })?;
        let Code::Totp(code) = Code::read(code) else { return Err(AccountsError::WrongCode) };
        let step = self.totp_step(id, &sealed, &code, self.now())?.ok_or(AccountsError::WrongCode)?;
        if !users::use_totp_step(tx, id, step).await? {
            return Err(AccountsError::WrongCode);
        }
        users::confirm_totp(tx, id, self.now()).await?;
        users::void_tokens(tx, id).await?;
        self.renew_recovery_codes(tx, id).await
    }

    /// Makes new recovery codes; the old ones end.
    ///
    /// # Errors
    /// The account does not exist, or the database does not answer within the bounds.
    pub async fn renew_recovery_codes(&self, tx: &mut Tx, id: &UserId) -> Result<RecoveryCodes, AccountsError> {
        let codes: Result<Vec<SecretString>, String> = (0..RECOVERY_CODES).map(|_| code()).collect();
        let codes = codes.map_err(AccountsError::Defect)?;
        let digests: Vec<[u8; 32]> = codes.iter().map(|code| digest(code.expose_secret())).collect();
        recovery::replace(tx, id, &digests, self.now()).await?;
        Ok(RecoveryCodes(codes))
    }

    /// Takes the second factor and the recovery codes away.
    ///
    /// # Errors
    /// The account does not exist, or the database does not answer within the bounds.
    pub async fn remove_second_factor(&self, tx: &mut Tx, id: &UserId) -> Result<(), AccountsError> {
        users::set_totp(tx, id, None, self.now()).await?;
        recovery::replace(tx, id, &[], self.now()).await?;
        Ok(())
    }

    /// How many recovery codes an account has left.
    ///
    /// # Errors
    /// The database does not answer within the bounds.
    pub async fn recovery_codes_left(&self, id: &UserId) -> Result<u64, AccountsError> {
        Ok(recovery::count(self.store(), id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, SHA-1, cut to six digits.
        let totp = totp(b"12345678901234567890").unwrap();
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (2_000_000_000, "279037")]
        {
            assert_eq!(totp.check(code, seconds), Some(seconds / 30), "{seconds}");
            assert_eq!(totp.check(code, seconds + 30), Some(seconds / 30), "a step late at {seconds}");
            assert_eq!(totp.check(code, seconds + 60), None, "two steps late at {seconds}");
        }
    }

    #[test]
    fn what_somebody_typed() {
        for (typed, is_totp) in [
            ("287082", true),
            (" 287 082 ", true),
            ("28708", false),
            ("2870820", false),
            ("abcd-efgh-jkmn-pqrs", false),
            ("", false),
            ("２８７０８２", false),
        ] {
            assert_eq!(matches!(Code::read(typed), Code::Totp(_)), is_totp, "{typed}");
        }
    }
}
